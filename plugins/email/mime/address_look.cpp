#include "mime/address_look.hpp"

#include <unicode/idna.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>
#include <unicode/uspoof.h>

#include <algorithm>
#include <memory>

#include "base/idna.hpp"
#include "mime/ascii.hpp"
#include "mime/invisible.hpp"
#include "mime/unicode.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kMaxLooked = 1024;  // bytes of an address; RFC 5321 §4.5.3.1 allows 320
constexpr std::string_view kAts[] = {"@", "\uff20", "\ufe6b"};

bool of_local(char c) {
  return (c & 0x80) || is_alpha(c) || is_digit(c) ||
         std::string_view("!#$%&*+-/=?^_`{|}~.").find(c) != std::string_view::npos;
}
bool of_host(char c) { return (c & 0x80) || is_alpha(c) || is_digit(c) || c == '.' || c == '-' || c == '_'; }

// The domain in one spelling, whoever wrote it.
std::string spelled(std::string_view local, std::string_view domain) {
  while (domain.ends_with('.') || domain.ends_with('-')) domain.remove_suffix(1);
  const std::string name(domain);
  return to_lower(local) + "@" + to_lower(ascii_domain(name).value_or(name));
}

std::string spelled(std::string_view address) {
  const std::size_t at = address.rfind('@');
  return at == address.npos ? to_lower(address) : spelled(address.substr(0, at), address.substr(at + 1));
}

// The address around the sign at [from, to) of `s`; empty when it is none: "@joe", "Joe @ work".
std::string around(std::string_view s, std::size_t from, std::size_t to) {
  const bool blank = (from > 0 && is_space(s[from - 1])) || (to < s.size() && is_space(s[to]));
  while (from > 0 && is_space(s[from - 1])) --from;
  while (to < s.size() && is_space(s[to])) ++to;
  std::size_t begin = from, end = to;
  while (begin > 0 && from - begin < kMaxLooked && of_local(s[begin - 1])) --begin;
  while (end < s.size() && end - to < kMaxLooked && of_host(s[end])) ++end;
  const std::string_view domain = s.substr(to, end - to);
  const std::size_t dot = domain.find('.');
  if (begin == from || domain.empty() || domain[0] == '.') return {};
  if (blank && (dot == domain.npos || dot + 1 >= domain.size())) return {};
  return spelled(s.substr(begin, from - begin), domain);
}

struct Parts {
  std::string_view local, domain;
  std::size_t ats = 0;     // outside quotes
  bool quoted_at = false;  // one within them
};

Parts parts_of(std::string_view s) {
  Parts p;
  bool quoted = false;
  std::size_t last = s.npos;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\\' && quoted) {
      ++i;
    } else if (s[i] == '"') {
      quoted = !quoted;
    } else if (s[i] == '@') {
      if (quoted) {
        p.quoted_at = true;
      } else {
        ++p.ats;
        last = i;
      }
    }
  }
  p.local = s.substr(0, last);
  if (last != s.npos) p.domain = s.substr(last + 1);
  return p;
}

bool has_odd_blank(std::string_view s) {
  for (std::size_t at = 0; at < s.size();)
    if (const char32_t c = next_char(s, at); c >= 0x80 && u_isUWhiteSpace(static_cast<UChar32>(c)))
      return true;
  return false;
}

// Made once; safe for threads since nothing changes it afterwards.
const USpoofChecker* checker() {
  static const std::unique_ptr<USpoofChecker, void (*)(USpoofChecker*)> made = [] {
    UErrorCode status = U_ZERO_ERROR;
    USpoofChecker* c = uspoof_open(&status);
    if (U_SUCCESS(status)) {
      uspoof_setChecks(c, USPOOF_RESTRICTION_LEVEL, &status);
      uspoof_setRestrictionLevel(c, USPOOF_HIGHLY_RESTRICTIVE);
    }
    return std::unique_ptr<USpoofChecker, void (*)(USpoofChecker*)>(c, uspoof_close);
  }();
  return made.get();
}

bool deceives(std::string_view word) {
  if (is_ascii(word) || !checker()) return false;
  UErrorCode status = U_ZERO_ERROR;
  const auto size = static_cast<std::int32_t>(word.size());
  if (uspoof_checkUTF8(checker(), word.data(), size, nullptr, &status) != 0 && U_SUCCESS(status)) return true;
  std::string seen(word.size() * 8 + 64, '\0');  // a character looks like a few at most
  status = U_ZERO_ERROR;
  const std::int32_t n = uspoof_getSkeletonUTF8(checker(), 0, word.data(), size, seen.data(),
                                                static_cast<std::int32_t>(seen.size()), &status);
  return U_SUCCESS(status) && is_ascii(std::string_view(seen).substr(0, static_cast<std::size_t>(n)));
}

// Signs that a name server takes for '.', or that look like one, begin a label, too.
bool any_label_deceives(std::string_view domain) {
  for (const std::string_view dot : {"\u3002", "\uff0e", "\uff61", "\u2024", "\ufe52"})
    if (domain.find(dot) != domain.npos) return true;
  for (std::size_t at = 0; at <= domain.size();) {
    const std::size_t end = std::min(domain.find('.', at), domain.size());
    if (deceives(domain.substr(at, end - at))) return true;
    at = end + 1;
  }
  return false;
}

std::string unicode_domain(std::string_view domain) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<icu::IDNA> idna(
      icu::IDNA::createUTS46Instance(UIDNA_NONTRANSITIONAL_TO_UNICODE, status));
  std::string out;
  icu::IDNAInfo info;
  icu::StringByteSink<std::string> sink(&out);
  if (U_SUCCESS(status))
    idna->nameToUnicodeUTF8(icu::StringPiece(domain.data(), static_cast<std::int32_t>(domain.size())), sink,
                            info, status);
  return U_SUCCESS(status) ? out : std::string(domain);
}

}  // namespace

bool shows_other_address(std::string_view text, std::string_view address) {
  if (text.find('@') == text.npos && is_ascii(text)) return false;
  const std::string own = spelled(address);
  for (std::size_t at = 0; at < text.size(); ++at)
    for (const std::string_view sign : kAts)
      if (text.substr(at, sign.size()) == sign)
        if (const std::string shown = around(text, at, at + sign.size()); !shown.empty() && shown != own)
          return true;
  return false;
}

std::string_view address_doubt(std::string_view address) {
  const Parts p = parts_of(address);
  if (address.find("=?") != address.npos) return "holds an encoded word, which some readers decode";
  if (p.quoted_at || p.ats > 1) return "holds more than one @";
  if (p.local.empty() || p.domain.empty()) return "is not whole";
  if (has_odd_blank(address)) return "holds a blank that is not one of ASCII";
  const bool literal = p.domain.front() == '[' && p.domain.back() == ']';
  if (!literal && !std::all_of(p.domain.begin(), p.domain.end(), of_host)) return "has a domain that is none";
  const bool quoted = p.local.size() > 1 && p.local.front() == '"' && p.local.back() == '"';
  if (!quoted && p.local.find_first_of(" \"(),:;<>[\\]") != p.local.npos)
    return "holds marks that end an address";
  return {};
}

bool address_looks_like_another(std::string_view address) {
  address = address.substr(0, kMaxLooked);
  const bool coded = address.find("xn--") != address.npos || address.find("XN--") != address.npos;
  if (!coded && is_ascii(address)) return false;
  const Parts p = parts_of(address);
  if (deceives(p.local) || any_label_deceives(p.domain)) return true;
  return coded && any_label_deceives(unicode_domain(p.domain));
}

void mark_invisible(std::string& value, std::string_view what, Warnings& warnings) {
  if (is_ascii(value)) return;
  HiddenLog log;
  if (clean_invisible(value, log, false) == value) return;
  std::string out;
  for (std::size_t at = 0; at < value.size();) {
    const char32_t c = next_char(value, at);
    put_char(out, is_invisible(c) ? char32_t{0xFFFD} : c);
  }
  if (out == value) return;
  value = std::move(out);
  warnings.add("hidden_characters",
               std::string(what) + " holds characters that draw nothing: each is shown as U+FFFD");
}

}  // namespace mailroom::mime
