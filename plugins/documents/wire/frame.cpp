#include "wire/frame.hpp"

#include <utility>

namespace mailroom::documents {

std::string encode(Frame type, std::string_view payload) {
  const auto n = static_cast<std::uint32_t>(payload.size());
  std::string out;
  out.reserve(payload.size() + 5);
  out += static_cast<char>(type);
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((n >> shift) & 0xff);
  out += payload;
  return out;
}

bool FrameReader::fail(std::string why) {
  why_ = std::move(why);
  buffer_.clear();
  return false;
}

bool FrameReader::next(Taken& out) {
  if (broken() || raw_) return false;
  if (buffer_.size() < 5) return false;
  if (ended_) return fail("it went on after its end");
  std::uint32_t n = 0;
  for (std::size_t i = 0; i < 4; ++i)
    n |= static_cast<std::uint32_t>(static_cast<unsigned char>(buffer_[1 + i])) << (8 * i);
  if (n > kMaxFrame) return fail("a frame is longer than " + std::to_string(kMaxFrame) + " bytes");
  const char type = buffer_[0];
  if (std::string_view("HKPTWMDERFZ").find(type) == std::string_view::npos)
    return fail("a frame of no known type");
  if (buffer_.size() < 5 + n) return false;
  out.type = static_cast<Frame>(type);
  if (greeted_ == (out.type == Frame::hello)) return fail("hello is not the first frame, or came twice");
  if (in_member_ != (out.type == Frame::member_data || out.type == Frame::member_end))
    return fail("a file's bytes are mixed with other frames");
  greeted_ = true;
  if (out.type == Frame::member) in_member_ = true;
  if (out.type == Frame::member_end) in_member_ = false;
  if (out.type == Frame::raw_text) raw_ = true;
  if (out.type == Frame::done || out.type == Frame::failed) ended_ = true;
  out.payload.assign(buffer_, 5, n);
  buffer_.erase(0, 5 + n);
  return true;
}

std::string FrameReader::take_raw() { return std::exchange(buffer_, {}); }

}  // namespace mailroom::documents
