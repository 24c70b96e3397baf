#include "smtp/proto/dot_stuffing.hpp"

#include "base/error.hpp"

namespace mailroom::smtp {

DotStuffer::DotStuffer(std::string_view message) : rest_(message) {
  if (rest_.ends_with("\r\n")) rest_.remove_suffix(2);
}

std::string DotStuffer::next(std::size_t max) {
  const std::string_view piece = rest_.substr(0, max);
  rest_.remove_prefix(piece.size());
  std::string out;
  out.reserve(piece.size() + 64);
  for (const char c : piece) {
    if (line_start_ && c == '.') out += '.';
    out += c;
    line_start_ = c == '\n';
  }
  return out;
}

MessageFacts check_message(std::string_view message) {
  MessageFacts facts;
  for (std::size_t i = 0; i < message.size(); ++i) {
    const char c = message[i];
    if (static_cast<unsigned char>(c) >= 0x80) facts.eight_bit = true;
    const bool bare_cr = c == '\r' && (i + 1 == message.size() || message[i + 1] != '\n');
    const bool bare_lf = c == '\n' && (i == 0 || message[i - 1] != '\r');
    if (bare_cr || bare_lf || c == '\0')
      throw Failure(Errc::invalid,
                    std::string("the message contains a ") + (c == '\0' ? "NUL byte"
                                                              : bare_cr ? "bare CR"
                                                                        : "bare LF"),
                    "byte " + std::to_string(i), "Lines must end in CRLF.");
  }
  return facts;
}

}  // namespace mailroom::smtp
