#include "mime/header_writer.hpp"

#include <algorithm>

#include "mime/ascii.hpp"
#include "mime/codec.hpp"
#include "mime/unicode.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kFold = 78;       // RFC 5322 §2.1.1
constexpr std::size_t kMaxToken = 900;  // a line may have 998 characters: room for the name
constexpr std::size_t kMaxWord = 75;    // RFC 2047 §2

// Q encoding that is valid in a phrase, hence everywhere (RFC 2047 §5 (3)).
bool plain_in_q(char c) {
  return is_alpha(c) || is_digit(c) || c == '!' || c == '*' || c == '+' || c == '-' || c == '/';
}

std::string q_encode(std::string_view s) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string out;
  for (char c : s) {
    const auto byte = static_cast<unsigned char>(c);
    if (plain_in_q(c)) {
      out += c;
    } else if (c == ' ') {
      out += '_';
    } else {
      out += '=';
      out += hex[byte >> 4];
      out += hex[byte & 15];
    }
  }
  return out;
}

bool is_atext(char c) {
  return is_alpha(c) || is_digit(c) ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

std::vector<std::string_view> split_spaces(std::string_view s) {
  std::vector<std::string_view> words;
  for (std::size_t at = 0; at < s.size();) {
    const std::size_t end = std::min(s.find(' ', at), s.size());
    words.push_back(s.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

// The phrase of a mailbox as tokens.
std::vector<std::string> phrase(std::string_view name, std::size_t column) {
  const bool ascii = is_ascii(name) && name.find("=?") == name.npos;
  const bool atoms = ascii &&
                     std::all_of(name.begin(), name.end(), [](char c) { return is_atext(c) || c == ' '; }) &&
                     name.front() != ' ' && name.back() != ' ' && name.find("  ") == name.npos;
  if (atoms) {
    std::vector<std::string> tokens;
    for (auto word : split_spaces(name)) tokens.emplace_back(word);
    if (std::all_of(tokens.begin(), tokens.end(), [](const auto& t) { return t.size() <= 70; }))
      return tokens;
  }
  if (ascii && name.size() <= 60) {
    std::string quoted = "\"";
    for (char c : name) {
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    return {quoted + '"'};
  }
  return encoded_words(name, column < 40 ? kFold - column - 2 : kMaxWord);
}

std::string ascii_fallback(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_char(text, at);
    out += c < 0x80 && c != '"' && c != '\\' ? static_cast<char>(c) : '_';
  }
  if (out.size() > 60) {  // keeps the extension, which is what old readers go by
    const std::size_t dot = out.rfind('.');
    const std::string extension = dot != out.npos && out.size() - dot <= 10 ? out.substr(dot) : std::string();
    out = out.substr(0, 60 - extension.size()) + extension;
  }
  return out;
}

// RFC 2231 §7: attribute-char.
bool plain_in_2231(char c) {
  return is_alpha(c) || is_digit(c) || c == '.' || c == '-' || c == '_' || c == '~' || c == '+';
}

}  // namespace

FieldWriter::FieldWriter(std::string_view name) : out_(name), column_(name.size() + 1) { out_ += ':'; }

FieldWriter& FieldWriter::token(std::string_view text) {
  // The first token stays on the name's line: some readers take a value that begins on the next line for an
  // empty one.
  const bool first = out_.back() == ':' && out_.find('\r') == out_.npos && out_.find(' ') == out_.npos;
  if (!first && column_ + 1 + text.size() > kFold) {
    out_ += "\r\n";
    column_ = 0;
  }
  out_ += ' ';
  out_ += text;
  column_ += 1 + text.size();
  return *this;
}

FieldWriter& FieldWriter::glue(std::string_view text) {
  out_ += text;
  column_ += text.size();
  return *this;
}

std::string FieldWriter::take() { return std::move(out_ += "\r\n"); }

std::vector<std::string> encoded_words(std::string_view text, std::size_t first) {
  std::size_t high = 0;
  for (char c : text) high += !plain_in_q(c) && c != ' ';
  const bool q =
      high * 3 <=
      text.size() * 2;  // base64 costs a third throughout, Q two characters for each that is not plain
  std::vector<std::string> words;
  std::size_t room = std::min(first, kMaxWord) - 12;  // "=?UTF-8?Q?" and "?="
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    std::size_t used = 0;
    for (std::size_t next = at; next < text.size();) {
      const std::size_t begin = next;
      next_char(text, next);
      const std::size_t width = q ? q_encode(text.substr(begin, next - begin)).size() : 0;
      const std::size_t total = q ? used + width : (next - at + 2) / 3 * 4;
      if (total > room && end > at) break;
      used = total;
      end = next;
    }
    const std::string_view piece = text.substr(at, end - at);
    words.push_back(q ? "=?UTF-8?Q?" + q_encode(piece) + "?="
                      : "=?UTF-8?B?" + encode_base64_line(piece) + "?=");
    at = end;
    room = kMaxWord - 12;
  }
  return words;
}

std::string text_field(std::string_view name, std::string_view value) {
  FieldWriter field(name);
  bool plain = is_ascii(value) && value.find("=?") == value.npos && !value.empty() && value.front() != ' ' &&
               value.back() != ' ' && value.find("  ") == value.npos;
  const auto words = split_spaces(value);
  for (auto word : words) plain = plain && word.size() <= kMaxToken;
  if (plain)
    for (auto word : words) field.token(word);
  else
    for (const auto& word : encoded_words(value, kFold - field.column() - 1)) field.token(word);
  return field.take();
}

std::string address_field(std::string_view name, const std::vector<Address>& list) {
  FieldWriter field(name);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Address& a = list[i];
    if (i > 0) field.glue(",");
    if (a.name.empty()) {
      field.token(a.address);
      continue;
    }
    for (const auto& token : phrase(a.name, field.column())) field.token(token);
    field.token("<" + a.address + ">");
  }
  return field.take();
}

std::string ids_field(std::string_view name, const std::vector<std::string>& ids) {
  FieldWriter field(name);
  for (const auto& id : ids) field.token("<" + id + ">");
  return field.take();
}

std::string parameter_field(std::string_view name, std::string_view value, std::string_view parameter,
                            std::string_view text) {
  FieldWriter field(name);
  field.token(value);
  if (text.empty()) return field.take();
  const std::string base(parameter);
  field.glue(";").token(base + "=\"" + ascii_fallback(text) + "\"");
  if (ascii_fallback(text) == text) return field.take();

  // RFC 2231 §3 and §4; characters stay whole within a piece, for readers that decode piece by piece.
  std::vector<std::string> pieces{"UTF-8''"};
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    next_char(text, at);
    std::string encoded;
    constexpr std::string_view hex = "0123456789ABCDEF";
    for (char c : text.substr(begin, at - begin)) {
      if (plain_in_2231(c)) {
        encoded += c;
        continue;
      }
      encoded += '%';
      encoded += hex[static_cast<unsigned char>(c) >> 4];
      encoded += hex[static_cast<unsigned char>(c) & 15];
    }
    if (pieces.back().size() + encoded.size() > 60) pieces.emplace_back();
    pieces.back() += encoded;
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::string number = pieces.size() > 1 ? "*" + std::to_string(i) : std::string();
    field.glue(";").token(base + number + "*=" + pieces[i]);
  }
  return field.take();
}

}  // namespace mailroom::mime
