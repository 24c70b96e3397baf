#include "mime/flowed.hpp"

#include <algorithm>

#include "mime/ascii.hpp"
#include "mime/headers.hpp"

namespace mailroom::mime {
namespace {

// "begin 644 name" with three or four octal digits, and a line of the right length behind it.
bool begins_uuencode(std::string_view text, std::size_t at, std::string_view& name) {
  std::string_view line = text.substr(at, text.find('\n', at) - at);
  std::string_view rest = line.substr(6);
  const std::size_t digits = std::min(rest.find_first_not_of("01234567"), rest.size());
  if (digits < 3 || digits > 4 || rest.size() < digits + 2 || rest[digits] != ' ') return false;
  name = trim(rest.substr(digits));
  const std::size_t next = at + line.size() + 1;
  if (next >= text.size()) return false;
  const std::string_view first = text.substr(next, text.find('\n', next) - next);
  if (first.empty() || first[0] < ' ' || first[0] > '`') return false;
  const std::size_t bytes = static_cast<std::size_t>(first[0] - ' ') & 63u;
  return first.size() >= 1 + (bytes + 2) / 3 * 4 - 3;  // some relays cut trailing blanks
}

}  // namespace

std::string unflow(std::string_view text, bool delsp) {
  std::string out;
  out.reserve(text.size());
  bool open = false;  // the line before ends in a soft break
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    const bool has_end = end < text.size();
    at = end + 1;
    const bool quoted = line.starts_with('>');
    const bool signature = line == "-- ";
    if (open && (quoted || signature)) out += '\n';
    if (line.starts_with(' ')) line.remove_prefix(1);  // §4.4
    open = !quoted && !signature && line.ends_with(' ') && has_end;
    if (open && delsp) line.remove_suffix(1);
    out += line;
    if (has_end && !open) out += '\n';
  }
  return out;
}

void embedded_warnings(std::string_view text, Warnings& warnings) {
  constexpr std::size_t kMost = 20;  // names that are told
  std::size_t told = 0;
  const auto starts_line = [&](std::size_t at) { return at == 0 || text[at - 1] == '\n'; };
  for (std::size_t at = text.find("begin "); at != text.npos && told < kMost;
       at = text.find("begin ", at + 6)) {
    std::string_view name;
    if (!starts_line(at) || !begins_uuencode(text, at, name)) continue;
    warnings.add("uuencode_in_text",
                 "the text holds a uuencoded file: " + one_line(std::string(aoh::utf8_prefix(name, 150))));
    ++told;
  }
  for (std::size_t at = text.find("=ybegin "); at != text.npos && told < kMost;
       at = text.find("=ybegin ", at + 8)) {
    if (!starts_line(at)) continue;
    const std::string_view line = text.substr(at, text.find('\n', at) - at);
    const std::size_t name = line.find("name=");
    warnings.add("yenc_in_text",
                 "the text holds a yEnc file: " +
                     (name == line.npos ? "" : one_line(std::string(line.substr(name + 5, 150)))));
    ++told;
  }
  const auto armour = [&](std::string_view mark) {
    const std::size_t at = text.find(mark);
    return at != text.npos && starts_line(at);
  };
  if (armour("-----BEGIN PGP MESSAGE-----"))
    warnings.add("encrypted", "the text is a PGP message: it cannot be read here");
  if (armour("-----BEGIN PGP SIGNED MESSAGE-----"))
    warnings.add("signature_unverified", "the text is signed with PGP; the signature was not verified");
}

}  // namespace mailroom::mime
