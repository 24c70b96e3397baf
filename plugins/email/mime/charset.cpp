#include "mime/charset.hpp"

#include <unicode/ucnv.h>
#include <unicode/ustring.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "mime/ascii.hpp"
#include "mime/parse.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

struct Repair {
  std::string_view label, means;
};
// Labels that senders use for a superset of what they name.
constexpr std::array kRepairs = std::to_array<Repair>({
    {"iso-8859-1", "windows-1252"},
    {"iso8859-1", "windows-1252"},
    {"iso_8859-1", "windows-1252"},
    {"latin1", "windows-1252"},
    {"latin-1", "windows-1252"},
    {"l1", "windows-1252"},
    {"cp819", "windows-1252"},
    {"us-ascii", "windows-1252"},
    {"ascii", "windows-1252"},
    {"ansi_x3.4-1968", "windows-1252"},
    {"iso646-us", "windows-1252"},
    {"iso-8859-9", "windows-1254"},
    {"iso8859-9", "windows-1254"},
    {"latin5", "windows-1254"},
    {"iso-8859-11", "windows-874"},
    {"tis-620", "windows-874"},
    {"gb2312", "gb18030"},
    {"gb_2312-80", "gb18030"},
    {"gbk", "gb18030"},
    {"x-gbk", "gb18030"},
    {"euc-cn", "gb18030"},
    {"cp936", "gb18030"},
    {"ms936", "gb18030"},
    {"windows-936", "gb18030"},
    {"chinese", "gb18030"},
    {"euc-kr", "windows-949"},
    {"ks_c_5601-1987", "windows-949"},
    {"ks_c_5601-1989", "windows-949"},
    {"ksc5601", "windows-949"},
    {"ksc_5601", "windows-949"},
    {"korean", "windows-949"},
    {"cp949", "windows-949"},
    {"shift_jis", "windows-31j"},
    {"shift-jis", "windows-31j"},
    {"sjis", "windows-31j"},
    {"x-sjis", "windows-31j"},
    {"ms_kanji", "windows-31j"},
    {"cp932", "windows-31j"},
    {"ms932", "windows-31j"},
    {"windows-932", "windows-31j"},
    {"big5", "big5-hkscs"},
    {"big-5", "big5-hkscs"},
    {"x-x-big5", "big5-hkscs"},
    {"cn-big5", "big5-hkscs"},
    {"cp950", "big5-hkscs"},
    {"iso-2022-jp", "iso-2022-jp-2"},
    {"csiso2022jp", "iso-2022-jp-2"},
    {"iso-8859-8-i", "windows-1255"},
    {"iso-8859-8-e", "windows-1255"},
    {"iso-8859-8", "windows-1255"},
    {"unicode-1-1-utf-7", "utf-7"},
    {"unicode-1-1-utf-8", "utf-8"},
    {"utf8", "utf-8"},
    {"x-utf-8", "utf-8"},
    {"utf-8-sig", "utf-8"},
    {"x-mac-roman", "macintosh"},
    {"mac", "macintosh"},
    {"unknown-8bit", ""},
    {"x-unknown", ""},
    {"unknown", ""},
    {"default", ""},
    {"default_charset", ""},
    {"binary", ""},
    {"8bit", ""},
    {"none", ""},
});

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

std::string_view without_bom(std::string_view bytes) {
  if (bytes.substr(0, 3) == "\xEF\xBB\xBF") bytes.remove_prefix(3);
  return bytes;
}

bool looks_like_iso2022jp(std::string_view bytes) {
  return bytes.find("\x1b$B") != bytes.npos || bytes.find("\x1b$@") != bytes.npos;
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

std::string canonical_charset(std::string_view label) {
  std::string name = to_lower(trim(label));
  while (!name.empty() && (name.front() == '"' || name.front() == '\'')) name.erase(0, 1);
  while (!name.empty() && (name.back() == '"' || name.back() == '\'')) name.pop_back();
  if (name.size() > 60) return {};
  for (char c : name)  // ICU takes converter options after a comma; a label has none
    if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '_' && c != '.' && c != ':' && c != '+') return {};
  for (const auto& repair : kRepairs)
    if (repair.label == name) return std::string(repair.means);
  if (name.starts_with("cp-")) name.erase(2, 1);
  return name;
}

std::string as_windows1252(std::string_view bytes) {
  const auto converter = open("windows-1252");
  return converter ? convert(converter.get(), bytes, bytes.size() * 3) : aoh::valid_utf8(bytes);
}

std::string to_utf8(std::string_view bytes, std::string_view charset, bool* undeclared,
                    std::size_t max_bytes) {
  const std::string name = canonical_charset(charset);
  if (name == "utf-8") return aoh::valid_utf8(without_bom(bytes));
  if (is_ascii(bytes) && (name.empty() || name == "windows-1252")) {
    if (!looks_like_iso2022jp(bytes)) return std::string(bytes);
    if (const auto converter = open("iso-2022-jp-2")) return convert(converter.get(), bytes, max_bytes);
  }
  const std::string_view label = trim(charset);
  const bool ascii_label = iequals(label, "us-ascii") || iequals(label, "ascii");
  if (!name.empty() && !(ascii_label && is_utf8(bytes)))
    if (const auto converter = open(name)) return convert(converter.get(), bytes, max_bytes);
  if (is_utf8(bytes)) return std::string(without_bom(bytes));
  // A label that nobody knows was at least a claim of some 8-bit charset; without one nothing is known.
  if (!label.empty()) return as_windows1252(bytes);
  if (undeclared) *undeclared = true;
  return aoh::valid_utf8(bytes);
}

std::string with_lf(std::string text) {
  std::size_t to = std::min(text.find('\r'), text.find('\0'));
  if (to == text.npos) return text;
  if (text.find('\0', to) == text.npos) {  // in place: it only gets shorter
    for (std::size_t from = to; from < text.size();) {
      if (text[from] == '\r') {
        text[to++] = '\n';
        from += 1 + (from + 1 < text.size() && text[from + 1] == '\n');
      }
      const std::size_t length = std::min(text.find('\r', from), text.size()) - from;
      std::memmove(text.data() + to, text.data() + from, length);
      to += length;
      from += length;
    }
    text.resize(to);
    return text;
  }
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      out += '\n';
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else if (text[i] == '\0') {
      out += "\xEF\xBF\xBD";
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string to_utf8_text(std::string_view bytes, std::string_view charset) {
  return with_lf(to_utf8(bytes, charset));
}

}  // namespace mailroom::mime
