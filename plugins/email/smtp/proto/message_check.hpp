// Whether a message may be put on the wire at all (RFC 5321 §2.3.8, §4.5.3.1.6).
#pragma once
#include <cstdint>
#include <string_view>

namespace mailroom::smtp {

class MessageSource;

struct MessageFacts {
  bool eight_bit = false;  ///< has bytes above 127
  std::uint64_t size = 0;  ///< bytes
};

/// Looks a message through in blocks of any size. Searches by memchr, which the C library does 16 to 32 bytes
/// at a time.
class MessageChecker {
 public:
  static constexpr std::size_t kLine = 998;  ///< longest line without its CRLF (RFC 5322 §2.1.1)

  /// Throws Failure(invalid) when it contains a bare CR, a bare LF or a NUL: any of them could end the
  /// message early for some server (SMTP smuggling) or be read differently by another. So could a server that
  /// breaks a line which is too long for it.
  void feed(std::string_view block);
  MessageFacts finish();  ///< throws the same

 private:
  void line(std::string_view text);
  MessageFacts facts_;
  std::uint64_t line_ = 0;  // bytes of the line whose end has not come
  bool cr_ = false;         // was the last byte a CR?
};

MessageFacts check_message(std::string_view message);
/// From its beginning; throws what the source throws too.
MessageFacts check_message(MessageSource& source);

}  // namespace mailroom::smtp
