// From a template's text to tokens. Whitespace control, comments and {% raw %} are done here.
#pragma once
#include "support/tmpl/ast.hpp"

namespace aoh::tmpl {

enum class Tok { text, print_open, print_close, block_open, block_close, name, literal, op, end };

struct Token {
  Tok kind = Tok::end;
  std::size_t at = 0;
  std::string_view text;  // text, name, op
  Json value;             // literal: a string or a number
};

class Lexer {
 public:
  explicit Lexer(const Unit& unit) : unit_(unit), text_(unit.text) {}
  /// Throws TemplateError.
  Token next();

 private:
  enum class Mode { text, print, block };
  bool starts(std::size_t i, std::string_view what) const { return text_.substr(i, what.size()) == what; }
  std::string_view plain(std::size_t begin, std::size_t end, bool trim_end);
  std::optional<std::size_t> raw_tag(std::size_t open, std::string_view word) const;
  bool raw(std::size_t open, Token& out);
  bool close(Token& out);
  Token word();
  Token string();
  Token number();

  const Unit& unit_;
  std::string_view text_;
  std::size_t i_ = 0;
  std::size_t open_ = 0;  // where the tag that we are in began
  Mode mode_ = Mode::text;
  bool trim_ = false;       // the tag before ended with '-'
  bool after_dot_ = false;  // a word may begin with a digit
};

}  // namespace aoh::tmpl
