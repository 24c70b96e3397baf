#include "mime/header_writer.hpp"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include <algorithm>
#include <array>

#include "mime/ascii.hpp"
#include "mime/codec.hpp"
#include "mime/unicode.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kFold = 78;       // RFC 5322 §2.1.1
constexpr std::size_t kMaxWord = 75;    // RFC 2047 §2
constexpr std::size_t kWordFrame = 12;  // "=?UTF-8?Q?" and "?="

// Q encoding that is valid in a phrase, hence everywhere (RFC 2047 §5 (3)).
bool plain_in_q(char c) {
  return is_alpha(c) || is_digit(c) || c == '!' || c == '*' || c == '+' || c == '-' || c == '/';
}

void q_encode(std::string_view s, std::string& out) {
  constexpr std::string_view hex = "0123456789ABCDEF";
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
}

std::size_t q_width(std::string_view s) {
  std::size_t width = 0;
  for (char c : s) width += plain_in_q(c) || c == ' ' ? 1 : 3;
  return width;
}

bool joins_before(char32_t c) {  // is drawn with what stands before it
  if (c < 0x300) return false;
  const auto type = u_charType(static_cast<UChar32>(c));
  return type == U_NON_SPACING_MARK || type == U_ENCLOSING_MARK || type == U_COMBINING_SPACING_MARK ||
         c == 0x200D || (c >= 0x1F3FB && c <= 0x1F3FF);
}

// The letter at `at` with its marks, joiners and modifiers, or the two letters of a flag (UAX #29, roughly:
// what is missed is split, as it always was); one character where that is longer than `most` bytes.
std::size_t cluster_end(std::string_view text, std::size_t at, std::size_t most) {
  const auto flag = [](char32_t c) { return c >= 0x1F1E6 && c <= 0x1F1FF; };
  std::size_t end = at;
  char32_t last = next_char(text, end);
  const std::size_t single = end;
  bool flags = flag(last);
  while (end < text.size() && static_cast<unsigned char>(text[end]) >= 0x80) {
    std::size_t next = end;
    const char32_t c = next_char(text, next);
    const bool pair = flags && flag(c);
    if (!joins_before(c) && last != 0x200D && !pair) break;
    flags = flags && !pair;
    last = c;
    end = next;
    if (end - at > most) return single;
  }
  return end;
}

// How much of `text` from `at` a word of `room` characters holds; at least a character where `room` is a
// whole word's. In base64, all but the last word take a multiple of three bytes: GMime stops at the padding.
std::size_t word_end(std::string_view text, std::size_t at, std::size_t room, bool q) {
  const std::size_t most = q ? (kMaxWord - kWordFrame) / 3 : (kMaxWord - kWordFrame) / 4 * 3;
  std::size_t end = at;
  std::size_t whole = at;
  std::size_t used = 0;
  while (end < text.size()) {
    const std::size_t next = cluster_end(text, end, most);
    used += q ? q_width(text.substr(end, next - end)) : next - end;
    if ((q ? used : (used + 2) / 3 * 4) > room) break;
    end = next;
    if (q || (end - at) % 3 == 0) whole = end;
  }
  return end == text.size() ? end : whole;
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

// The phrase of a mailbox as tokens. A name that fits into one encoded word is one, if need be on a line of
// its own: some readers keep the blank between two of them, in phrases only.
std::vector<std::string> phrase(std::string_view name, std::size_t room) {
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
  return encoded_words(name, room);
}

// 'u' of a 'ü'; '_' where there is none.
char base_letter(char32_t c) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* nfd = unorm2_getNFDInstance(&status);
  std::array<char16_t, 32> letters{};
  if (U_FAILURE(status)) return '_';
  const auto size = unorm2_getDecomposition(nfd, static_cast<UChar32>(c), letters.data(),
                                            static_cast<std::int32_t>(letters.size()), &status);
  return U_SUCCESS(status) && size > 0 && letters[0] < 0x80 ? static_cast<char>(letters[0]) : '_';
}

std::string ascii_fallback(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_char(text, at);
    if (joins_before(c)) continue;
    out += c >= 0x80 ? base_letter(c) : c != '"' && c != '\\' ? static_cast<char>(c) : '_';
  }
  // Many readers undo encoded words within quotes, too: a name that looks like one is written by RFC 2231.
  for (std::size_t at = out.find("=?"); at != out.npos; at = out.find("=?", at)) out[at + 1] = '_';
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

std::string FieldWriter::take() { return std::move(out_ += "\r\n"); }

std::vector<std::string> encoded_words(std::string_view text, std::size_t first) {
  std::size_t high = 0;
  for (char c : text) high += !plain_in_q(c) && c != ' ';
  // base64 costs a third throughout, Q two characters for each that is not plain
  bool mostly_plain = high * 3 <= text.size() * 2;
  std::vector<std::string> words;
  // Behind a name that leaves no room the line is longer than 78, as RFC 5322 allows.
  std::size_t room = (first < 30 ? kMaxWord : std::min(first, kMaxWord)) - kWordFrame;
  // One word is better than two, whichever way.
  mostly_plain = mostly_plain && (q_width(text) <= room || (text.size() + 2) / 3 * 4 > room);
  for (std::size_t at = 0; at < text.size();) {
    bool q = mostly_plain;
    std::size_t end = word_end(text, at, room, q);
    if (!q && end == at) {  // no three bytes end with a letter
      q = true;
      end = word_end(text, at, room, q);
    }
    const std::string_view piece = text.substr(at, end - at);
    if (!piece.empty()) {  // else what is next fits into a line of its own only
      std::string word = q ? "=?UTF-8?Q?" : "=?UTF-8?B?";
      if (q)
        q_encode(piece, word);
      else
        word += encode_base64_line(piece);
      words.push_back(std::move(word += "?="));
    }
    at = end;
    room = kMaxWord - kWordFrame;
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
    const std::string_view end = i + 1 < list.size() ? "," : "";
    std::string address;
    // A quoted local part in angle brackets: without them some readers take it for a name.
    if (!a.name.empty()) {
      const std::size_t room = i == 0 ? kFold - field.column() - 1 : kMaxWord;
      for (const auto& token : phrase(a.name, room)) field.token(token);
    }
    if (!a.name.empty() || a.address.front() == '"') {
      address.append("<").append(a.address).append(">").append(end);
    } else {
      address.append(a.address).append(end);
    }
    field.token(address);
  }
  return field.take();
}

std::string ids_field(std::string_view name, const std::vector<std::string>& ids) {
  FieldWriter field(name);
  for (const auto& id : ids) field.token("<" + id + ">");
  return field.take();
}

std::string disposition_field(std::string_view disposition, std::string_view filename) {
  FieldWriter field("Content-Disposition");
  if (filename.empty()) return field.token(disposition).take();
  field.token(std::string(disposition) + ';');
  const std::string fallback = ascii_fallback(filename);
  if (fallback != filename) {
    // RFC 2231 §3 and §4; characters stay whole within a piece, for readers that decode piece by piece.
    std::vector<std::string> pieces{"UTF-8''"};
    for (std::size_t at = 0; at < filename.size();) {
      const std::size_t begin = at;
      next_char(filename, at);
      std::string encoded;
      constexpr std::string_view hex = "0123456789ABCDEF";
      for (char c : filename.substr(begin, at - begin)) {
        if (plain_in_2231(c)) {
          encoded += c;
          continue;
        }
        encoded += '%';
        encoded += hex[static_cast<unsigned char>(c) >> 4];
        encoded += hex[static_cast<unsigned char>(c) & 15];
      }
      if (pieces.back().size() + encoded.size() > 58) pieces.emplace_back();
      pieces.back() += encoded;
    }
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const std::string number = pieces.size() > 1 ? "*" + std::to_string(i) : std::string();
      field.token("filename" + number + "*=" + pieces[i] + ';');
    }
  }
  return field.token("filename=\"" + fallback + "\"").take();
}

std::string type_field(std::string_view type, std::string_view charset, std::string_view filename) {
  FieldWriter field("Content-Type");
  const char* more = filename.empty() ? "" : ";";
  field.token(std::string(type) + (charset.empty() ? more : ";"));
  if (!charset.empty()) field.token("charset=" + std::string(charset) + more);
  if (filename.empty()) return field.take();
  if (ascii_fallback(filename) == filename)
    return field.token("name=\"" + std::string(filename) + '"').take();
  auto words = encoded_words(filename, 66);  // 'name="' stands before the first one
  words.front().insert(0, "name=\"");
  words.back() += '"';
  for (const auto& word : words) field.token(word);
  return field.take();
}

}  // namespace mailroom::mime
