// RFC 2047: what header text says. Linear in the length of the value.
#include <algorithm>

#include "mime/ascii.hpp"
#include "mime/charset.hpp"
#include "mime/codec.hpp"
#include "mime/headers.hpp"
#include "mime/parse.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kMaxWord =
    2'000;  // bytes of one word that may hold an address's marks; RFC 2047 §2 says 75

struct Word {
  std::string_view charset;
  char encoding = 'q';
  std::string_view text;
  std::size_t end = 0;  // just after "?="
};

// At "=?". RFC 2047 §2: no white space and no '?' within; both occur, so only the closing "?=" ends the text.
bool read_word(std::string_view s, std::size_t at, bool& no_more_ends, Word& word) {
  const std::size_t charset = at + 2;
  const std::size_t q1 = s.find('?', charset);
  if (q1 == s.npos || q1 == charset || q1 - charset > 60 || q1 + 2 >= s.size() || s[q1 + 2] != '?')
    return false;
  word.encoding = lower(s[q1 + 1]);
  if (word.encoding != 'q' && word.encoding != 'b') return false;
  const std::size_t text = q1 + 3;
  std::size_t end = no_more_ends ? s.npos : s.find('?', text);
  for (; end != s.npos && s.substr(end, 2) != "?="; end = s.find('?', end + 1))
    if (end > text && s[end - 1] == '=') return false;  // this one never closed: the next one may
  if (end == s.npos) {
    no_more_ends = true;
    return false;
  }
  word.charset = s.substr(charset, q1 - charset);
  word.charset = word.charset.substr(0, word.charset.find('*'));  // RFC 2231 §5: language
  word.text = s.substr(text, end - text);
  word.end = end + 2;
  return true;
}

// Text between words; ISO-2022-JP is told by its escapes and needs no label.
std::string plain_text(std::string_view s) {
  return looks_like_iso2022jp(s) ? to_utf8(s, {}) : lossy_utf8(s);
}

}  // namespace

std::size_t encoded_word_length(std::string_view s) {
  bool no_more_ends = false;
  Word word;
  if (!s.starts_with("=?") || !read_word(s.substr(0, kMaxWord), 0, no_more_ends, word)) return 0;
  if (std::any_of(s.begin(), s.begin() + static_cast<std::ptrdiff_t>(word.end), is_space)) return 0;
  return word.end;
}

std::string one_line(std::string text) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; })) return text;
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) {
      out += ' ';
    } else if (c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0) {
      out += ' ';  // C1 controls, NEL among them
      ++i;
    } else if (c == 0xE2 && i + 2 < text.size() && text[i + 1] == '\x80' &&
               (text[i + 2] == '\xA8' || text[i + 2] == '\xA9')) {
      out += ' ';  // U+2028, U+2029
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string unfold(std::string_view value, std::size_t max_bytes, bool* cut) {
  std::string out;
  out.reserve(std::min(value.size(), max_bytes));
  for (std::size_t at = 0; at < value.size();) {
    std::size_t end = at;
    while (end < value.size() && value[end] != '\r' && value[end] != '\n' && value[end] != '\0') ++end;
    std::string_view piece = value.substr(at, end - at);
    const bool nul = end < value.size() && value[end] == '\0';
    if (out.size() + piece.size() + nul > max_bytes) {
      if (cut) *cut = true;
      out += piece.substr(0, max_bytes - out.size());
      break;
    }
    out += piece;
    if (nul) out += ' ';
    at = end + 1;
  }
  while (!out.empty() && is_space(out.back())) out.pop_back();
  return out;
}

bool has_bare_cr(std::string_view value) {
  for (std::size_t at = value.find('\r'); at != value.npos; at = value.find('\r', at)) {
    at = value.find_first_not_of('\r', at);
    if (at == value.npos) return false;
    if (value[at] != '\n') return true;
  }
  return false;
}

std::string decode_header(std::string_view value) { return decode_header(value, nullptr); }

std::string decode_header(std::string_view value, HeaderNotes* notes) {
  CharsetNotes charset_notes;
  const std::string flat = unfold(trim(value), value.size(), nullptr);
  const std::string_view s = flat;
  std::string out;
  std::string bytes;    // of adjacent words in one charset: a character may be split between them
  std::string charset;  // theirs
  bool open = false;    // a run is open: white space before a further word is not text
  bool no_more_ends = false;
  std::size_t plain = 0;  // where text begins that is not yet in `out`
  const auto close = [&] {
    if (open) out += to_utf8(bytes, charset, &charset_notes);
    bytes.clear();
    open = false;
  };
  for (std::size_t at = s.find("=?"); at != s.npos; at = s.find("=?", at)) {
    Word word;
    if (!read_word(s, at, no_more_ends, word)) {
      if (no_more_ends) break;
      at += 2;
      continue;
    }
    const std::string_view between = s.substr(plain, at - plain);
    const bool adjacent = open && trim(between).empty();
    if (!adjacent || !iequals(charset, word.charset)) {
      close();
      if (!adjacent) out += plain_text(between);
      charset = word.charset;
    }
    bytes += word.encoding == 'b' ? decode_base64(word.text) : decode_q(word.text);
    open = true;
    plain = at = word.end;
  }
  close();
  out += plain_text(s.substr(plain));
  if (notes) {
    notes->invalid =
        notes->invalid || charset_notes.invalid || charset_notes.undeclared || charset_notes.unknown;
    notes->line_end = notes->line_end || out.find_first_of("\r\n") != out.npos;
    notes->nul = notes->nul || out.find('\0') != out.npos;
  }
  return one_line(std::move(out));
}

}  // namespace mailroom::mime
