// The words of one response.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imap/proto/framer.hpp"

namespace mailroom::imap {

/// Reads a Frame from left to right. Everything throws Failure(protocol) when the next word is something
/// else. Tolerant where servers are known to differ: several spaces, NIL for a string.
class Tokens {
 public:
  explicit Tokens(Frame& frame, std::size_t at = 0) : frame_(&frame), pos_(at) {}

  bool end();         ///< skips spaces
  bool peek(char c);  ///< skips spaces; is `c` next?
  bool take(char c);  ///< takes `c` if it is next
  void expect(char c);
  std::string_view atom();   ///< up to space, parenthesis, bracket, quote or end; not empty
  std::string_view flag();   ///< an atom that may start with a backslash, or a quoted one
  std::uint64_t number();    ///< RFC 3501 number: digits, below 2^63
  std::uint32_t number32();  ///< Failure when it does not fit
  /// A size or a count as servers write it: "1024.0" and "9.3736e+06" too (Yandex, mail.ru), rounded down.
  /// Nothing for NIL, what is negative or no number, and from 2^63 on.
  std::optional<std::uint64_t> tolerant_number();
  std::optional<std::string> nstring();
  std::string string() { return nstring().value_or(std::string()); }
  std::string astring();             ///< string or atom
  bool nil();                        ///< takes NIL if it is next
  std::string_view bracketed();      ///< after '[': everything up to its ']', which is taken
  std::string_view rest();           ///< everything that is left, as it is
  void skip();                       ///< one value of any kind, parentheses balanced
  std::vector<std::string> flags();  ///< "(" ... ")"
  /// Was the literal that the last nstring() took over the limit?
  bool last_was_skipped() const { return skipped_; }
  /// The literal that the last nstring() took; null when it was none.
  const Frame::Literal* last_literal() const { return last_; }

  /// From now on a quote ends a quoted string only before a space, a closing parenthesis or the end: some
  /// servers do not escape those within. For data that is the sender's as much as the server's, once the
  /// strict reading has failed.
  void loose_quotes(bool on) { loose_quotes_ = on; }

  struct Mark {
    std::size_t pos, literal;
  };
  Mark mark() const { return {pos_, literal_}; }
  void back(Mark m) { pos_ = m.pos, literal_ = m.literal; }

 private:
  std::string_view line() const { return frame_->line; }
  void spaces();
  std::string quoted();
  [[noreturn]] void wrong(const char* wanted) const;

  Frame* frame_;
  std::size_t pos_;
  std::size_t literal_ = 0;  // which literal is next?
  bool skipped_ = false;
  const Frame::Literal* last_ = nullptr;
  bool loose_quotes_ = false;
};

}  // namespace mailroom::imap
