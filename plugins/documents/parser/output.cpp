#include "parser/output.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace mailroom::documents {
namespace {

constexpr std::size_t kGather = 32u << 10;

}  // namespace

void Output::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) ::_exit(3);  // nobody reads any more
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void Output::flush() {
  if (!pending_.empty()) send(encode(Frame::text, pending_));
  pending_.clear();
}

void Output::frame(Frame type, std::string_view payload) {
  flush();
  send(encode(type, payload.substr(0, kMaxFrame)));
}

void Output::json(Frame type, const aoh::Json& value) { frame(type, value.dump()); }

void Output::mark(std::string_view words) {
  const std::string valid = aoh::valid_utf8(words);
  frame(Frame::mark, aoh::utf8_prefix(valid, 200));
}

void Output::text(std::string_view text) {
  const bool all = text.size() <= room_;
  text = text.substr(0, std::min(text.size(), room_));
  room_ -= text.size();
  while (!text.empty()) {
    const std::size_t n = std::min(text.size(), kGather - pending_.size());
    pending_ += text.substr(0, n);
    text.remove_prefix(n);
    if (pending_.size() >= kGather) flush();
  }
  if (!all) throw Full{};
}

void Output::warn(std::string_view code, std::string_view detail) {
  const std::string valid = aoh::valid_utf8(detail);
  const std::string_view cut = aoh::utf8_prefix(valid, 300);
  const std::string line = std::string(code) + "\n" + std::string(cut) + "\n\n";
  if (warnings_ >= kMaxWarnings || warned_.find(line) != std::string::npos) return;
  ++warnings_;
  warned_ += line;
  json(Frame::warning, aoh::Json{{"code", code}, {"detail", cut}});
}

void Output::member(std::string_view name) {
  const std::string valid = aoh::valid_utf8(name);
  json(Frame::member, aoh::Json{{"name", aoh::utf8_prefix(valid, 1024)}});
}

void Output::member_data(std::string_view bytes) {
  for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kMaxFrame)))
    frame(Frame::member_data, bytes.substr(0, kMaxFrame));
}

void Output::failed(const Unreadable& why) {
  json(Frame::failed, aoh::Json{{"code", why.code}, {"what", why.what()}, {"cure", why.cure}});
}

}  // namespace mailroom::documents
