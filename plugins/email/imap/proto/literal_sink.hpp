// Where a literal goes that is too large to be held.
#pragma once
#include <cstdint>
#include <string_view>

namespace mailroom::imap {

/// Takes literals piece by piece as they come off the connection. Called while bytes are fed, on the
/// connection's strand; what it throws breaks the dialogue off.
class LiteralSink {
 public:
  virtual ~LiteralSink() = default;
  /// `line`: the response up to the literal, earlier literals as NUL bytes. False: the literal is kept, as
  /// any other.
  virtual bool begin(std::string_view line, std::uint64_t size) = 0;
  /// Its next bytes, at least one; borrowed for the call.
  virtual void bytes(std::string_view piece) = 0;
};

}  // namespace mailroom::imap
