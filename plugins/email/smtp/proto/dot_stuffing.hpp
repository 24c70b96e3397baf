// The message as DATA carries it (RFC 5321 §4.5.2).
#pragma once
#include <string>
#include <string_view>

namespace mailroom::smtp {

/// Doubles the dot at the start of each line, in pieces: a line may begin at any buffer's edge. The message's
/// last CRLF is left out: it belongs to the end mark.
class DotStuffer {
 public:
  /// `message` is borrowed and must have passed check_message().
  explicit DotStuffer(std::string_view message);
  /// The next piece, made of at most `max` bytes of the message; empty at the end.
  std::string next(std::size_t max);
  static constexpr std::string_view kEnd = "\r\n.\r\n";

 private:
  std::string_view rest_;
  bool line_start_ = true;
};

struct MessageFacts {
  bool eight_bit = false;  ///< has bytes above 127
};

/// Throws Failure(invalid) when `message` contains a bare CR, a bare LF or a NUL: any of them could end the
/// message early for some server (SMTP smuggling) or be read differently by another.
MessageFacts check_message(std::string_view message);

}  // namespace mailroom::smtp
