// The message as DATA carries it (RFC 5321 §4.5.2).
#pragma once
#include <string>
#include <string_view>

namespace mailroom::smtp {

/// Doubles the dot at the start of each line. Takes the message in pieces of any size: a line may begin at
/// any piece's edge. Looks for line ends by memchr and copies what lies between them as a whole.
class DotStuffer {
 public:
  /// Appends `piece`, stuffed, to `out`.
  void feed(std::string_view piece, std::string& out);

 private:
  bool line_start_ = true;
};

}  // namespace mailroom::smtp
