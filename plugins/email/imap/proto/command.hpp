// A command before it is sent: atoms, strings and literals, so that no argument can break out of its place.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace mailroom::imap {

/// Pieces of one command without tag and final CRLF. Strings go out as atom, quoted string or literal,
/// whichever holds them; NUL is refused (Failure(invalid)).
class Command {
 public:
  Command() = default;
  /// `words`: protocol text of our own, never a caller's data.
  explicit Command(std::string_view words) { raw(words); }

  Command& raw(std::string_view words);     ///< as it is; CR, LF and NUL refused
  Command& string(std::string_view text);   ///< quoted where possible, else literal
  Command& astring(std::string_view text);  ///< atom where possible, else as string()
  Command& mailbox(std::string_view utf8);  ///< written as the session has names; INBOX in any case is INBOX
  /// Like mailbox(), with the wildcards of LIST, and empty where nothing is meant.
  Command& mailbox_pattern(std::string_view utf8);
  Command& literal(
      std::string_view borrowed);  ///< literal whose bytes stay the caller's until the command is done
  Command& append(const Command& other);
  Command& secret();  ///< everything in the command is a credential: keep it out of the transcript

  /// Writes the mailbox names, whose form depends on the session: as UTF-8 (RFC 9051 §5.1, RFC 6855 §3), or
  /// in modified UTF-7 (RFC 3501 §5.1.3). Before that pieces() has them as they were given.
  void settle_names(bool as_utf8);

  bool is_secret() const { return secret_; }
  /// True when a string has bytes above 127 (SEARCH then needs CHARSET UTF-8).
  bool has_utf8() const { return utf8_; }

  /// A run of bytes to write; after one that `ends_with_literal` the server's leave is awaited (or not, with
  /// LITERAL+).
  struct Piece {
    std::string text;           // protocol text, or a literal's bytes when `borrowed` is empty
    std::string_view borrowed;  // a caller's literal
    bool is_literal = false;
    bool is_name = false;  // a mailbox name (UTF-8) that settle_names() writes
  };
  const std::vector<Piece>& pieces() const { return pieces_; }

 private:
  std::vector<Piece> pieces_;
  bool secret_ = false;
  bool utf8_ = false;
};

}  // namespace mailroom::imap
