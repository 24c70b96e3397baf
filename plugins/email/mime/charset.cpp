#include "mime/charset.hpp"

#include <unicode/ucnv.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "mime/ascii.hpp"
#include "mime/parse.hpp"

namespace mailroom::mime {
namespace {

using Converter = std::unique_ptr<UConverter, decltype(&ucnv_close)>;

Converter open(const std::string& name) {
  UErrorCode status = U_ZERO_ERROR;
  Converter converter(ucnv_open(name.c_str(), &status), &ucnv_close);
  if (U_FAILURE(status)) converter.reset();
  return converter;
}

std::string convert(UConverter* converter, std::string_view bytes, std::size_t max_bytes) {
  std::string out;
  out.reserve(std::min(bytes.size() + bytes.size() / 2, max_bytes));
  std::array<UChar, 4096> units{};
  std::array<char, 3 * 4096 + 4> utf8{};
  const char* source = bytes.data();
  const char* end = source + bytes.size();
  UChar pending = 0;  // a high surrogate whose half comes with the next piece
  for (bool more = true; more && out.size() < max_bytes;) {
    UErrorCode status = U_ZERO_ERROR;
    UChar* target = units.data();
    if (pending) *target++ = std::exchange(pending, UChar{0});
    ucnv_toUnicode(converter, &target, units.data() + units.size(), &source, end, nullptr, true, &status);
    more = status == U_BUFFER_OVERFLOW_ERROR;
    if (more && target > units.data() && U16_IS_LEAD(target[-1])) pending = *--target;
    std::int32_t length = 0;
    UErrorCode written = U_ZERO_ERROR;
    u_strToUTF8WithSub(utf8.data(), static_cast<std::int32_t>(utf8.size()), &length, units.data(),
                       static_cast<std::int32_t>(target - units.data()), 0xFFFD, nullptr, &written);
    if (U_FAILURE(written)) break;
    out.append(utf8.data(), static_cast<std::size_t>(length));
    if (!more && U_FAILURE(status)) break;
  }
  return out;
}

// The same for a charset of one byte a character, by a table of what ICU makes of each byte; nullopt for
// others.
std::optional<std::string> convert_single_bytes(UConverter* converter, std::string_view bytes,
                                                std::size_t max_bytes) {
  if (ucnv_getMaxCharSize(converter) != 1) return {};
  std::array<char, 256> each{};
  for (unsigned c = 0; c < 256; ++c) each[c] = static_cast<char>(c);
  std::array<UChar, 257> units{};
  UErrorCode status = U_ZERO_ERROR;
  const std::int32_t count = ucnv_toUChars(converter, units.data(), static_cast<std::int32_t>(units.size()),
                                           each.data(), 256, &status);
  if (U_FAILURE(status) || count != 256) return {};
  struct Utf8 {
    std::array<char, 4> bytes{};  // all four are copied, `size` of them kept
    unsigned size = 0;
  };
  std::array<Utf8, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    if (U16_IS_SURROGATE(units[c])) return {};
    U8_APPEND_UNSAFE(table[c].bytes.data(), table[c].size, units[c]);
  }
  bytes = bytes.substr(0, max_bytes);
  std::size_t size = 0;
  for (const char c : bytes) size += table[static_cast<unsigned char>(c)].size;
  std::string out(size + 3, '\0');
  char* to = out.data();
  for (const char c : bytes) {
    const Utf8& character = table[static_cast<unsigned char>(c)];
    std::memcpy(to, character.bytes.data(), 4);
    to += character.size;
  }
  out.resize(size);
  return out;
}

std::string_view without_bom(std::string_view bytes) {
  if (bytes.substr(0, 3) == "\xEF\xBB\xBF") bytes.remove_prefix(3);
  return bytes;
}

// Where a UTF-16 text has no mark: little-endian (WHATWG Encoding §4.2), unless its zeros say otherwise.
std::string_view utf16_of(std::string_view bytes) {
  if (bytes.starts_with("\xFE\xFF")) return "utf-16be";
  if (bytes.starts_with("\xFF\xFE")) return "utf-16le";
  std::size_t high = 0, low = 0;
  for (std::size_t i = 0; i + 1 < std::min<std::size_t>(bytes.size(), 400); i += 2) {
    high += bytes[i] == '\0';
    low += bytes[i + 1] == '\0';
  }
  return high > low ? "utf-16be" : "utf-16le";
}

// WHATWG Encoding §10.2.1: a lone 0x80 is the euro sign, which has two bytes of its own too.
std::string euro_signs(std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto c = static_cast<unsigned char>(bytes[i]);
    if (c == 0x80) {
      out += "\xA2\xE3";
      continue;
    }
    out += bytes[i];
    if (c > 0x80 && i + 1 < bytes.size()) out += bytes[++i];  // the first two of four do as well
  }
  return out;
}

bool single_byte_latin(std::string_view name) {
  return name.starts_with("windows-125") || name.starts_with("iso-8859-");
}

// By ICU, or by ours where it knows less; nullopt when nobody knows the charset.
std::optional<std::string> convert_named(std::string_view name, std::string_view bytes,
                                         std::size_t max_bytes) {
  if (name == "iso-2022-jp") {
    if (const auto shift_jis = iso2022jp_as_shift_jis(bytes)) {
      if (const auto converter = open("windows-31j")) {
        std::string out = convert(converter.get(), *shift_jis, max_bytes);
        for (std::size_t at = out.find('\x1c'); at != out.npos; at = out.find('\x1c', at))  // ICU's SUB
          out.replace(at, 1, "\xEF\xBF\xBD");
        return out;
      }
    }
    name = "iso-2022-jp-2";
  }
  if (name == "utf-16") name = utf16_of(bytes);
  if (name == "iso-8859-16") return latin10_to_utf8(bytes.substr(0, max_bytes));
  std::string with_euro;
  if (name == "gb18030" && bytes.find('\x80') != bytes.npos) {
    with_euro = euro_signs(bytes);
    bytes = with_euro;
  }
  const auto converter = open(std::string(name));
  if (!converter) return {};
  if (auto converted = convert_single_bytes(converter.get(), bytes, max_bytes)) return converted;
  std::string out = convert(converter.get(), bytes, max_bytes);
  if (out.starts_with("\xEF\xBB\xBF")) out.erase(0, 3);
  return out;
}

}  // namespace

bool is_utf8(std::string_view bytes) {
  const auto size = static_cast<std::int64_t>(bytes.size());
  const auto* s = reinterpret_cast<const std::uint8_t*>(bytes.data());
  for (std::int64_t i = 0; i < size;) {
    if (s[i] < 0x80) {
      ++i;
      continue;
    }
    UChar32 c = 0;
    U8_NEXT(s, i, size, c);
    if (c < 0) return false;
  }
  return true;
}

std::string lossy_utf8(std::string_view bytes) {
  std::string out;
  std::size_t good = ascii_prefix(bytes);  // everything before is copied at once
  std::size_t copied = 0;
  const auto* s = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const auto size = static_cast<std::int64_t>(bytes.size());
  for (auto i = static_cast<std::int64_t>(good); i < size;) {
    const auto start = static_cast<std::size_t>(i);
    UChar32 c = 0;
    U8_NEXT(s, i, size, c);
    if (c < 0) {
      out.append(bytes, copied, start - copied).append("\xEF\xBF\xBD");
      copied = static_cast<std::size_t>(i);
    }
    i += static_cast<std::int64_t>(ascii_prefix(bytes.substr(static_cast<std::size_t>(i))));
  }
  if (copied == 0) return std::string(bytes);
  return out.append(bytes, copied);
}

std::optional<std::string> convert_from(std::string_view charset, std::string_view bytes,
                                        std::size_t max_bytes) {
  const std::string name = canonical_charset(charset);
  if (name.empty()) return {};
  if (name == "utf-8") return lossy_utf8(bytes.substr(0, max_bytes));
  return convert_named(name, bytes, max_bytes);
}

std::string to_utf8(std::string_view bytes, std::string_view charset, CharsetNotes* notes,
                    std::size_t max_bytes) {
  CharsetNotes unused;
  CharsetNotes& note = notes ? *notes : unused;
  const std::string name = canonical_charset(charset);
  const bool ascii = is_ascii(bytes);
  if (ascii && (name.empty() || name == "utf-8" || single_byte_latin(name)) && !looks_like_iso2022jp(bytes))
    return std::string(bytes);
  if (ascii && (name.empty() || name == "windows-1252"))
    if (auto text = convert_named("iso-2022-jp", bytes, max_bytes)) return std::move(*text);
  // Sixteen bits a character were promised and not one byte of zeros came: the label is wrong.
  const bool wide = name.starts_with("utf-16") || name.starts_with("utf-32");
  if (ascii && wide && bytes.find('\0') == bytes.npos) {
    note.label_wrong = true;
    return std::string(bytes);
  }
  const std::string_view label = trim(charset);
  const bool ascii_label = iequals(label, "us-ascii") || iequals(label, "ascii");
  if (name == "utf-8" || (ascii_label && is_utf8(bytes))) {
    note.label_wrong |= ascii_label;
    std::string text = lossy_utf8(without_bom(bytes));
    note.invalid |= text.size() != without_bom(bytes).size() || text != without_bom(bytes);
    return text;
  }
  if (!name.empty()) {
    if (auto text = convert_named(name, bytes, max_bytes)) {
      note.invalid |= text->find("\xEF\xBF\xBD") != text->npos;
      note.label_wrong |= ascii_label || (single_byte_latin(name) && is_utf8(bytes));
      return std::move(*text);
    }
  }
  if (is_utf8(bytes)) return std::string(without_bom(bytes));
  (name.empty() ? note.undeclared : note.unknown) = true;
  return lossy_utf8(bytes);
}

std::string with_lf(std::string text) {
  std::size_t to = text.find('\r');
  if (to != text.npos) {  // in place: it only gets shorter
    for (std::size_t from = to; from < text.size();) {
      if (text[from] == '\r') {
        const std::size_t after = std::min(text.find_first_not_of('\r', from), text.size());
        const bool one = after < text.size() && text[after] == '\n';  // "\r\r\n", too: a relay doubled it
        const std::size_t ends = one ? 1 : after - from;
        std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(to), ends, '\n');
        to += ends;
        from = after + one;
      }
      const std::size_t length = std::min(text.find('\r', from), text.size()) - from;
      std::memmove(text.data() + to, text.data() + from, length);
      to += length;
      from += length;
    }
    text.resize(to);
  }
  if (text.find('\0') == text.npos) return text;
  std::string out;
  for (char c : text)
    if (c == '\0')
      out += "\xEF\xBF\xBD";
    else
      out += c;
  return out;
}

std::string to_utf8_text(std::string_view bytes, std::string_view charset) {
  return with_lf(to_utf8(bytes, charset));
}

}  // namespace mailroom::mime
