#include "imap/proto/tokens.hpp"

#include <charconv>

#include "imap/proto/ascii.hpp"

namespace mailroom::imap {

void Tokens::wrong(const char* wanted) const {
  const std::size_t from = pos_ > 20 ? pos_ - 20 : 0;
  Error e{Errc::protocol,
          std::string("the server's response cannot be read: ") + wanted + " expected at byte " +
              std::to_string(pos_),
          {},
          printable(line().substr(std::min(from, line().size()), 80)),
          {}};
  throw Failure(std::move(e));
}

void Tokens::spaces() {
  while (pos_ < line().size() && line()[pos_] == ' ') ++pos_;
}

bool Tokens::end() {
  spaces();
  return pos_ >= line().size();
}

bool Tokens::peek(char c) { return !end() && line()[pos_] == c; }

bool Tokens::take(char c) {
  if (!peek(c)) return false;
  ++pos_;
  return true;
}

void Tokens::expect(char c) {
  const char text[] = {'\'', c, '\'', 0};
  if (!take(c)) wrong(text);
}

std::string_view Tokens::atom() {
  spaces();
  const std::size_t start = pos_;
  while (pos_ < line().size() &&
         std::string_view(" ()[]\"\0", 7).find(line()[pos_]) == std::string_view::npos)
    ++pos_;
  if (pos_ == start) wrong("a word");
  return line().substr(start, pos_ - start);
}

std::string_view Tokens::flag() {
  spaces();
  if (pos_ < line().size() && line()[pos_] == '"') {  // quoted flags: seen from gateways
    const std::size_t start = pos_ + 1;
    const std::size_t close = line().find('"', start);
    if (close == std::string_view::npos) wrong("a closing quote");
    pos_ = close + 1;
    return line().substr(start, close - start);
  }
  return atom();
}

std::uint64_t Tokens::number() {
  const std::string_view digits = atom();
  std::uint64_t n = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') wrong("a number");
    if (n > (INT64_MAX - 9) / 10) wrong("a number below 2^63");
    n = n * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return n;
}

std::uint32_t Tokens::number32() {
  const std::uint64_t n = number();
  if (n > UINT32_MAX) wrong("a number below 2^32");
  return static_cast<std::uint32_t>(n);
}

std::optional<std::uint64_t> Tokens::tolerant_number() {
  if (peek('(') || peek('[')) {
    skip();
    return std::nullopt;
  }
  const std::string quoted_text = peek('"') || peek('\0') ? string() : std::string();
  const std::string_view text = quoted_text.empty() ? atom() : std::string_view(quoted_text);
  std::uint64_t whole = 0;
  const char* const end = text.data() + text.size();
  const auto [at, ec] = std::from_chars(text.data(), end, whole);
  if (ec == std::errc() && at == end) return whole <= INT64_MAX ? std::optional(whole) : std::nullopt;
  double number = 0;
  const auto [stop, bad] = std::from_chars(text.data(), end, number);  // no locale
  if (bad != std::errc() || stop != end || text.front() < '0' || text.front() > '9' || number >= 9.2e18)
    return std::nullopt;
  return static_cast<std::uint64_t>(number);
}

std::string Tokens::quoted() {
  std::string out;
  for (++pos_; pos_ < line().size(); ++pos_) {
    char c = line()[pos_];
    if (c == '"' &&
        (!loose_quotes_ || pos_ + 1 == line().size() || line()[pos_ + 1] == ' ' || line()[pos_ + 1] == ')')) {
      ++pos_;
      return out;
    }
    if (c == '\0') break;
    if (c == '\\' && ++pos_ < line().size()) c = line()[pos_];
    out += c;
  }
  wrong("a closing quote");
}

std::optional<std::string> Tokens::nstring() {
  skipped_ = false;
  last_ = nullptr;
  if (end()) wrong("a string");
  const char c = line()[pos_];
  if (c == '"') return quoted();
  if (c == '\0') {
    ++pos_;
    Frame::Literal& literal = frame_->literals.at(literal_++);
    skipped_ = literal.skipped;
    last_ = &literal;
    // Moved, not copied: a message is held once. What is short may be read again after back(), as the strings
    // of a structure are.
    if (literal.bytes.size() <= 1024) return literal.bytes;
    return std::move(literal.bytes);
  }
  if (nil()) return std::nullopt;
  wrong("a string");
}

std::string Tokens::astring() {
  if (peek('"') || peek('\0')) return string();
  // ASTRING-CHAR includes ']' (RFC 3501 §9), and mailbox names have it.
  spaces();
  const std::size_t start = pos_;
  while (pos_ < line().size() && std::string_view(" ()\"\0", 5).find(line()[pos_]) == std::string_view::npos)
    ++pos_;
  if (pos_ == start) wrong("a string");
  return std::string(line().substr(start, pos_ - start));
}

bool Tokens::nil() {
  spaces();
  if (!same(line().substr(pos_, 3), "NIL")) return false;
  if (pos_ + 3 < line().size() && line()[pos_ + 3] != ' ' && line()[pos_ + 3] != ')') return false;
  pos_ += 3;
  return true;
}

std::string_view Tokens::bracketed() {
  const std::size_t start = pos_;
  bool quote = false;
  for (; pos_ < line().size(); ++pos_) {
    const char c = line()[pos_];
    if (c == '"') quote = !quote;
    if (c == ']' && !quote) return line().substr(start, pos_++ - start);
    if (c == '\0') ++literal_;
  }
  wrong("']'");
}

std::string_view Tokens::rest() {
  spaces();
  const std::string_view out = line().substr(std::min(pos_, line().size()));
  pos_ = line().size();
  return out;
}

void Tokens::skip() {
  std::size_t depth = 0;
  do {
    if (end()) wrong("a value");
    const char c = line()[pos_];
    if (c == '(') {
      ++depth;
      ++pos_;
    } else if (c == ')') {
      if (depth == 0) wrong("a value");
      --depth;
      ++pos_;
    } else if (c == '"') {
      quoted();
    } else if (c == '\0') {
      ++pos_;
      ++literal_;
    } else if (c == '[') {
      ++pos_;
      bracketed();
    } else if (c == ']') {
      ++pos_;
    } else {
      atom();
    }
  } while (depth > 0);
}

std::vector<std::string> Tokens::flags() {
  std::vector<std::string> out;
  if (nil()) return out;
  expect('(');
  while (!take(')')) {
    if (out.size() >= 1000)
      throw Failure(Errc::limit, "the server sent more than 1,000 flags for one message");
    out.emplace_back(flag());
  }
  return out;
}

}  // namespace mailroom::imap
