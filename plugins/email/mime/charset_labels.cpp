// What a charset label means: WHATWG Encoding §4.2 and what is found in mail.
#include <array>

#include "mime/ascii.hpp"
#include "mime/charset.hpp"

namespace mailroom::mime {
namespace {

struct Repair {
  std::string_view label, means;
};
// Labels that senders use for a superset of what they name, and names that ICU does not know; underscores are
// hyphens here.
constexpr std::array kRepairs = std::to_array<Repair>({
    {"iso-8859-1", "windows-1252"},
    {"latin1", "windows-1252"},
    {"latin-1", "windows-1252"},
    {"l1", "windows-1252"},
    {"cp819", "windows-1252"},
    {"us-ascii", "windows-1252"},
    {"ascii", "windows-1252"},
    {"ansi_x3.4-1968", "windows-1252"},
    {"iso646-us", "windows-1252"},
    {"iso-8859-9", "windows-1254"},
    {"latin5", "windows-1254"},
    {"iso-8859-11", "windows-874"},
    {"tis-620", "windows-874"},
    {"gb2312", "gb18030"},
    {"gb-2312-80", "gb18030"},
    {"gbk", "gb18030"},
    {"x-gbk", "gb18030"},
    {"euc-cn", "gb18030"},
    {"cp936", "gb18030"},
    {"ms936", "gb18030"},
    {"windows-936", "gb18030"},
    {"chinese", "gb18030"},
    {"euc-kr", "windows-949"},
    {"ks-c-5601", "windows-949"},
    {"ks-c-5601-1987", "windows-949"},
    {"ks-c-5601-1989", "windows-949"},
    {"ksc5601", "windows-949"},
    {"ksc-5601", "windows-949"},
    {"ks-x-1001", "windows-949"},
    {"uhc", "windows-949"},
    {"cp51949", "windows-949"},
    {"korean", "windows-949"},
    {"cp949", "windows-949"},
    {"shift-jis", "windows-31j"},
    {"sjis", "windows-31j"},
    {"x-sjis", "windows-31j"},
    {"ms-kanji", "windows-31j"},
    {"cp932", "windows-31j"},
    {"ms932", "windows-31j"},
    {"windows-932", "windows-31j"},
    {"big5", "big5-hkscs"},
    {"big-5", "big5-hkscs"},
    {"x-x-big5", "big5-hkscs"},
    {"cn-big5", "big5-hkscs"},
    {"cp950", "big5-hkscs"},
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
    {"x-user-defined", ""},
    {"x-unknown", ""},
    {"unknown", ""},
    {"default", ""},
    {"default-charset", ""},
    {"binary", ""},
    {"8bit", ""},
    {"none", ""},
    {"iso-2022-jp", "iso-2022-jp"},
    {"csiso2022jp", "iso-2022-jp"},
    {"iso-2022-jp-ms", "iso-2022-jp"},
    {"iso-2022-jp-1", "iso-2022-jp"},
    {"iso-2022-jp-3", "iso-2022-jp"},
    {"cp50220", "iso-2022-jp"},
    {"cp50221", "iso-2022-jp"},
    {"cp50222", "iso-2022-jp"},
    {"jis", "iso-2022-jp"},
    {"jis7", "iso-2022-jp"},
    {"x-euc-jp", "euc-jp"},
    {"eucjp-ms", "euc-jp"},
    {"cp51932", "euc-jp"},
    {"gb18030-2005", "gb18030"},
    {"gb2312-80", "gb18030"},
    {"hz-gb-2312", "hz"},
    {"big5-eten", "big5-hkscs"},
    {"unicode-1-1", "utf-16be"},
    {"ucs-2", "utf-16"},
    {"unicode", "utf-16"},
    {"iso-10646-ucs-2", "utf-16"},
    {"unicodefffe", "utf-16be"},
    {"koi", "koi8-r"},
    {"koi8", "koi8-r"},
    {"koi8-ru", "koi8-u"},
    {"cyrillic", "iso-8859-5"},
    {"x-mac-cyrillic", "x-mac-cyrillic"},
    {"dos-874", "windows-874"},
    {"cp874", "windows-874"},
    {"utf-8n", "utf-8"},
    {"utf-8-mac", "utf-8"},
    {"x-unicode-2-0-utf-7", "utf-7"},
    {"x-unicode-2-0-utf-8", "utf-8"},
    {"macroman", "macintosh"},
});

// The number at the end of "8859_1", "win-1251", "x-cp1250" ...: "" when `name` has other than these before
// it.
std::string_view number_after(std::string_view name, std::initializer_list<std::string_view> families) {
  for (std::string_view family : families) {
    if (!name.starts_with(family)) continue;
    std::string_view rest = name.substr(family.size());
    if (rest.starts_with('-')) rest.remove_prefix(1);
    bool digits = !rest.empty() && rest.size() <= 4;
    for (char c : rest) digits = digits && is_digit(c);
    if (digits) return rest;
  }
  return {};
}

const std::string_view* repaired(std::string_view name) {
  for (const auto& repair : kRepairs)
    if (repair.label == name) return &repair.means;
  return nullptr;
}

}  // namespace

std::string canonical_charset(std::string_view label) {
  std::string name = to_lower(trim(label));
  const auto framing = [](char c) {
    return c == '"' || c == '\'' || c == '<' || c == '>' || c == ';' || c == ' ';
  };
  while (!name.empty() && framing(name.front())) name.erase(0, 1);
  while (!name.empty() && framing(name.back())) name.pop_back();
  if (name.starts_with("charset=")) name.erase(0, 8);
  if (name.size() > 60) return {};
  for (char& c : name) {  // ICU takes converter options after a comma; a label has none
    if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '_' && c != '.' && c != ':' && c != '+') return {};
    if (c == '_') c = '-';
  }
  if (name.starts_with("cs") && name.size() > 2 && repaired(name.substr(2))) name.erase(0, 2);
  if (const auto iso = number_after(name, {"iso-8859", "iso8859", "8859", "iso-ir-8859", "iso"});
      !iso.empty())
    if (iso.size() <= 2 || iso.starts_with("8859"))
      name = "iso-8859-" + std::string(iso.starts_with("8859") ? iso.substr(4) : iso);
  if (const auto page =
          number_after(name, {"windows", "win", "x-cp", "cp", "ansi", "x-windows", "microsoft-cp"});
      page.starts_with("125") && page.size() == 4)
    name = "windows-" + std::string(page);
  if (const std::string_view* means = repaired(name)) return std::string(*means);
  return name;
}

}  // namespace mailroom::mime
