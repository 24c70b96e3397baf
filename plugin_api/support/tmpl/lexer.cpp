#include "support/tmpl/lexer.hpp"

#include <charconv>

namespace aoh::tmpl {
namespace {

constexpr std::string_view kSpace = " \t\r\n\v\f";
bool space(char c) { return kSpace.find(c) != std::string_view::npos; }
bool digit(char c) { return c >= '0' && c <= '9'; }
// Bytes beyond ASCII are letters: names may be of any language.
bool letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

}  // namespace

/// Text from begin to end, without the whitespace that a '-' before or behind takes.
std::string_view Lexer::plain(std::size_t begin, std::size_t end, bool trim_end) {
  if (std::exchange(trim_, false))
    while (begin < end && space(text_[begin])) ++begin;
  if (trim_end)
    while (end > begin && space(text_[end - 1])) --end;
  return text_.substr(begin, end - begin);
}

/// If {% word %} stands at `open`: where it ends.
std::optional<std::size_t> Lexer::raw_tag(std::size_t open, std::string_view word) const {
  std::size_t i = open + 2;
  if (i < text_.size() && text_[i] == '-') ++i;
  while (i < text_.size() && space(text_[i])) ++i;
  if (!starts(i, word)) return {};
  i += word.size();
  while (i < text_.size() && space(text_[i])) ++i;
  if (i < text_.size() && text_[i] == '-') ++i;
  if (!starts(i, "%}")) return {};
  return i + 2;
}

/// {% raw %} ... {% endraw %}: its inside as text.
bool Lexer::raw(std::size_t open, Token& out) {
  const auto begin = raw_tag(open, "raw");
  if (!begin) return false;
  trim_ = text_[*begin - 3] == '-';
  for (std::size_t i = *begin; (i = text_.find("{%", i)) != std::string_view::npos; i += 2)
    if (const auto end = raw_tag(i, "endraw")) {
      out = {Tok::text, *begin, plain(*begin, i, text_[i + 2] == '-'), {}};
      trim_ = text_[*end - 3] == '-';
      i_ = *end;
      return true;
    }
  fail(unit_, open, "{% raw %} that begins here has no {% endraw %}");
}

Token Lexer::next() {
  while (mode_ == Mode::text) {
    if (i_ >= text_.size()) return {Tok::end, text_.size(), {}, {}};
    std::size_t open = text_.find('{', i_);
    while (open != std::string_view::npos && !starts(open, "{{") && !starts(open, "{%") &&
           !starts(open, "{#"))
      open = text_.find('{', open + 1);
    const std::size_t begin = i_;
    if (open == std::string_view::npos) open = text_.size();
    if (open > begin) {
      i_ = open;
      const std::string_view p = plain(begin, open, open + 2 < text_.size() && text_[open + 2] == '-');
      if (p.empty()) continue;
      return {Tok::text, static_cast<std::size_t>(p.data() - text_.data()), p, {}};
    }
    trim_ = false;
    const char kind = text_[open + 1];
    if (kind == '#') {
      const std::size_t end = text_.find("#}", open + 2);
      if (end == std::string_view::npos) fail(unit_, open, "the comment has no '#}'");
      trim_ = end > open + 2 && text_[end - 1] == '-';
      i_ = end + 2;
      continue;
    }
    if (Token t; kind == '%' && raw(open, t)) {
      if (t.text.empty()) continue;
      return t;
    }
    open_ = open;
    i_ = open + 2 + (open + 2 < text_.size() && text_[open + 2] == '-' ? 1 : 0);
    mode_ = kind == '{' ? Mode::print : Mode::block;
    after_dot_ = false;
    return {kind == '{' ? Tok::print_open : Tok::block_open, open, {}, {}};
  }
  while (i_ < text_.size() && space(text_[i_])) ++i_;
  if (i_ >= text_.size())
    fail(unit_, open_, mode_ == Mode::print ? "the placeholder has no '}}'" : "the block has no '%}'");
  Token t;
  if (close(t)) return t;
  const char c = text_[i_];
  if (letter(c) || (after_dot_ && digit(c))) return word();
  after_dot_ = false;
  if (c == '"' || c == '\'') return string();
  if (digit(c) || (c == '-' && i_ + 1 < text_.size() && digit(text_[i_ + 1]))) return number();
  for (const std::string_view op :
       {"==", "!=", "<=", ">=", "<", ">", "|", "(", ")", "[", "]", ",", ".", "=", ":"})
    if (starts(i_, op)) {
      after_dot_ = op == ".";
      i_ += op.size();
      return {Tok::op, i_ - op.size(), text_.substr(i_ - op.size(), op.size()), {}};
    }
  fail(unit_, i_,
       static_cast<unsigned char>(c) > 0x20 ? std::string("'") + c + "' has no meaning in a tag"
                                            : "a control character has no meaning in a tag");
}

bool Lexer::close(Token& out) {
  const std::size_t dash = text_[i_] == '-' ? 1 : 0;
  if (!starts(i_ + dash, mode_ == Mode::print ? "}}" : "%}")) return false;
  out = {mode_ == Mode::print ? Tok::print_close : Tok::block_close, i_, {}, {}};
  i_ += dash + 2;
  trim_ = dash != 0;
  mode_ = Mode::text;
  return true;
}

/// A name. There is no subtraction, so a '-' within belongs to it, as blueprints have it: email.x-spam.
Token Lexer::word() {
  const std::size_t begin = i_;
  const auto part = [&](std::size_t i) { return i < text_.size() && (letter(text_[i]) || digit(text_[i])); };
  while (part(i_) || (i_ < text_.size() && text_[i_] == '-' && part(i_ + 1))) ++i_;
  after_dot_ = false;
  return {Tok::name, begin, text_.substr(begin, i_ - begin), {}};
}

Token Lexer::string() {
  const std::size_t begin = i_;
  const char quote = text_[i_++];
  std::string value;
  while (i_ < text_.size() && text_[i_] != quote) {
    char c = text_[i_++];
    if (c == '\\' && i_ < text_.size()) {
      c = text_[i_++];
      c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
    }
    value += c;
  }
  if (i_ >= text_.size()) fail(unit_, begin, "the text has no closing quote");
  ++i_;
  return {Tok::literal, begin, {}, Json(std::move(value))};
}

Token Lexer::number() {
  const std::size_t begin = i_;
  ++i_;
  while (i_ < text_.size() && digit(text_[i_])) ++i_;
  const bool fraction = i_ + 1 < text_.size() && text_[i_] == '.' && digit(text_[i_ + 1]);
  if (fraction)
    for (++i_; i_ < text_.size() && digit(text_[i_]);) ++i_;
  const char *from = text_.data() + begin, *to = text_.data() + i_;
  std::int64_t n = 0;
  double d = 0;
  const std::errc error = fraction ? std::from_chars(from, to, d).ec : std::from_chars(from, to, n).ec;
  if (error != std::errc{}) fail(unit_, begin, "the number is too large");
  return {Tok::literal, begin, {}, fraction ? Json(d) : Json(n)};
}

}  // namespace aoh::tmpl
