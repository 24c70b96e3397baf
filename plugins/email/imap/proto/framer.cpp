#include "imap/proto/framer.hpp"

#include <algorithm>

#include "imap/proto/ascii.hpp"

namespace mailroom::imap {
namespace {

/// Lines that end in free text (RFC 3501 §7.1, §7.5): a "{5}" at their end is prose. `line` may be the part
/// read so far.
bool is_prose(std::string_view line) {
  const std::size_t space = line.find(' ');
  const std::string_view first = line.substr(0, space);
  if (first == "+") return true;
  if (space == std::string_view::npos) return true;
  const std::string_view rest = line.substr(space + 1);
  const std::string_view second = rest.substr(0, rest.find(' '));
  if (first != "*") return true;  // tagged
  for (const std::string_view word : {"OK", "NO", "BAD", "BYE", "PREAUTH"})
    if (same(second, word)) return true;
  return false;
}

}  // namespace

void Framer::feed(std::string_view bytes) {
  if (in_literal_ && pos_ == buffer_.size()) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(literal_left_, bytes.size()));
    put(bytes.substr(0, n));
    bytes.remove_prefix(n);
  }
  buffer_.append(bytes);
}

void Framer::put(std::string_view bytes) {
  literal_left_ -= bytes.size();
  Frame::Literal& literal = frame_.literals.back();
  if (literal.skipped || bytes.empty()) return;
  if (!literal.streamed)
    literal.bytes.append(bytes);
  else if (sink_ != nullptr)
    sink_->bytes(bytes);
}

void Framer::begin_literal(std::uint64_t size) {
  if (frame_.literals.size() >= limits_.literals)
    throw Failure(Errc::limit,
                  "a response of the server has more than " + std::to_string(limits_.literals) + " literals");
  frame_.line.erase(frame_.line.rfind('{'));
  if (frame_.line.ends_with('~')) frame_.line.pop_back();  // literal8, RFC 3516
  Frame::Literal literal;
  literal.announced = size;
  literal.streamed = sink_ != nullptr && sink_->begin(frame_.line, size);
  literal.skipped = !literal.streamed && (size > limits_.literal || kept_ + size > limits_.response);
  if (!literal.skipped && !literal.streamed) {
    kept_ += size;
    literal.bytes.reserve(std::min<std::uint64_t>(size, 1 << 20));  // an announcement alone takes no memory
  }
  frame_.line += '\0';
  frame_.literals.push_back(std::move(literal));
  literal_left_ = size;
  in_literal_ = true;
  in_frame_ = true;
}

bool Framer::line_continues(std::uint64_t& literal) const {
  const std::string& line = frame_.line;
  if (line.empty() || line.back() != '}' || is_prose(line)) return false;
  const std::size_t open = line.rfind('{');
  if (open == std::string::npos || line.size() - open < 3) return false;
  std::string_view digits = std::string_view(line).substr(open + 1, line.size() - open - 2);
  if (digits.back() == '+') digits.remove_suffix(1);
  if (digits.empty()) return false;
  literal = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    if (literal > limits_.skip) break;
    literal = literal * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (literal > limits_.skip)
    throw Failure(Errc::limit,
                  "the server announced a literal of more than " + std::to_string(limits_.skip) + " bytes");
  return true;
}

std::optional<Frame> Framer::take() {
  for (;;) {
    if (in_literal_) {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(literal_left_, buffer_.size() - pos_));
      put(std::string_view(buffer_).substr(pos_, n));
      pos_ += n;
      if (literal_left_ > 0) {
        buffer_.clear();
        pos_ = 0;
        return std::nullopt;
      }
      in_literal_ = false;
    }
    const std::size_t from = std::max(pos_, scanned_);
    const std::size_t end = buffer_.find('\n', from);
    const std::size_t stop = end == std::string::npos ? buffer_.size() : end;
    if (frame_.line.size() + (stop - pos_) > limits_.line)
      throw Failure(Errc::limit,
                    "a line of the server's is longer than " + std::to_string(limits_.line) + " bytes");
    if (stop > pos_) in_frame_ = true;
    if (end == std::string::npos) {
      buffer_.erase(0, pos_);
      pos_ = 0;
      scanned_ = buffer_.size();
      return std::nullopt;
    }
    std::string_view line = std::string_view(buffer_).substr(pos_, end - pos_);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    const std::size_t old = frame_.line.size();
    frame_.line += line;
    std::replace(frame_.line.begin() + static_cast<std::ptrdiff_t>(old), frame_.line.end(), '\0', '?');
    pos_ = end + 1;
    scanned_ = 0;
    std::uint64_t size = 0;
    if (line_continues(size)) {
      begin_literal(size);
      continue;
    }
    in_frame_ = false;
    kept_ = 0;
    Frame whole = std::move(frame_);
    frame_ = {};
    return whole;
  }
}

std::string Framer::take_rest() {
  std::string rest = buffer_.substr(pos_);
  std::string().swap(buffer_);
  pos_ = 0;
  scanned_ = 0;
  return rest;
}

void Framer::trim() {
  if (has_rest()) return;
  std::string().swap(buffer_);
  pos_ = 0;
  scanned_ = 0;
}

}  // namespace mailroom::imap
