#include "smtp/proto/reply_reader.hpp"

namespace mailroom::smtp {
namespace {

constexpr std::size_t kLine = 4096, kLines = 256, kReply = 64 * 1024;

bool digit(char c) { return c >= '0' && c <= '9'; }

/// "2.1.5" at the start of `text` when its class is that of the reply (RFC 2034 §4); empty without.
std::string_view enhanced_code(std::string_view text, int code) {
  if (text.size() < 5 || text[0] != '0' + code / 100 || text[1] != '.') return {};
  std::size_t i = 2;
  for (int part = 0; part < 2; ++part) {
    const std::size_t start = i;
    while (i < text.size() && i < start + 3 && digit(text[i])) ++i;
    if (i == start) return {};
    if (part == 0 && (i >= text.size() || text[i++] != '.')) return {};
  }
  return i == text.size() || text[i] == ' ' ? text.substr(0, i) : std::string_view{};
}

}  // namespace

bool ReplyReader::take_line(std::string_view line, bool enhanced) {
  if (line.size() < 3 || !digit(line[0]) || !digit(line[1]) || !digit(line[2]) || line[0] < '2' ||
      line[0] > '5' || (line.size() > 3 && line[3] != ' ' && line[3] != '-')) {
    Error e{Errc::protocol,
            "the server sent something that is no SMTP reply",
            {},
            printable(line, 200),
            "Check that the port is an SMTP port and that TLS is set as the server expects."};
    throw Failure(std::move(e));
  }
  const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  if (partial_.code != 0 && partial_.code != code)
    throw Failure(Errc::protocol, "the server changed the code within one reply");
  bytes_ += line.size();
  if (partial_.lines.size() >= kLines || bytes_ > kReply)
    throw Failure(Errc::limit, "a reply of the server is longer than 256 lines or 64 KB");
  std::string_view text = line.size() > 4 ? line.substr(4) : std::string_view{};
  if (const std::string_view found = enhanced ? enhanced_code(text, code) : std::string_view{};
      !found.empty()) {
    if (partial_.enhanced.empty()) partial_.enhanced = found;
    text.remove_prefix(std::min(text.size(), found.size() + 1));
  }
  partial_.code = code;
  partial_.lines.emplace_back(text);
  return line.size() == 3 || line[3] == ' ';
}

std::optional<Reply> ReplyReader::take(bool enhanced) {
  for (;;) {
    const std::size_t end = buffer_.find('\n', pos_);
    if ((end == std::string::npos ? buffer_.size() : end) - pos_ > kLine)
      throw Failure(Errc::limit, "a line of the server's reply is longer than 4,096 bytes");
    if (end == std::string::npos) {
      buffer_.erase(0, pos_);
      pos_ = 0;
      return std::nullopt;
    }
    std::string_view line = std::string_view(buffer_).substr(pos_, end - pos_);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    pos_ = end + 1;
    if (!take_line(line, enhanced)) continue;
    Reply whole = std::move(partial_);
    partial_ = {};
    bytes_ = 0;
    return whole;
  }
}

void ReplyReader::trim() {
  if (has_rest()) return;
  std::string().swap(buffer_);
  pos_ = 0;
}

}  // namespace mailroom::smtp
