// What may stand in EHLO, MAIL FROM and RCPT TO (RFC 5321 §4.1.2, RFC 6531 §3.3, RFC 3461): nothing given
// must ever become a command.
#include "smtp/proto/command.hpp"
#include "smtp/proto/types.hpp"
#include "support/json.hpp"

namespace mailroom::smtp {
namespace {

bool alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool atext(char c) {
  return alnum(c) || (c != 0 && std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos);
}
bool high(char c) { return static_cast<unsigned char>(c) >= 0x80; }

[[noreturn]] void refuse(std::string_view address, const char* why) {
  throw Failure(Errc::invalid, std::string("the address ") + why, printable(address, 120),
                "Correct the address.");
}

/// C1 controls (U+0080 to U+009F) and the Unicode line ends.
bool has_unicode_control(std::string_view s) {
  for (std::size_t i = 0; i + 1 < s.size(); ++i) {
    if (s[i] == '\xC2' && static_cast<unsigned char>(s[i + 1]) < 0xA0) return true;
    if (s[i] == '\xE2' && s[i + 1] == '\x80' && i + 2 < s.size() &&
        (s[i + 2] == '\xA8' || s[i + 2] == '\xA9'))
      return true;
  }
  return false;
}

/// The length of the local part.
std::size_t local_part(std::string_view a) {
  std::size_t i = 0;
  if (a[0] == '"') {
    for (i = 1; i < a.size() && a[i] != '"'; ++i) {
      if (a[i] == '\\') ++i;
      if (i >= a.size()) break;
      if (static_cast<unsigned char>(a[i]) < 0x20 || a[i] == 0x7F) refuse(a, "contains a control character");
    }
    if (i >= a.size()) refuse(a, "has an unfinished quoted part");
    return i + 1;
  }
  while (i < a.size() && (atext(a[i]) || a[i] == '.' || high(a[i]))) ++i;
  const std::string_view local = a.substr(0, i);
  if (local.empty() || local.front() == '.' || local.back() == '.' ||
      local.find("..") != std::string_view::npos)
    refuse(a, "has no valid part before the @");
  return i;
}

void check_address(std::string_view a, bool utf8) {
  if (a.empty()) refuse(a, "is empty");
  if (a.size() > 254) refuse(a, "is longer than 254 bytes");
  bool ascii = true;
  for (const char c : a) {
    ascii = ascii && !high(c);
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      refuse(a, "contains a control character or a line break");
  }
  if (!ascii && !utf8) refuse(a, "is not ASCII, and the message is not marked as SMTPUTF8");
  if (!ascii && (aoh::valid_utf8(a) != a || has_unicode_control(a))) refuse(a, "is not clean UTF-8");
  const std::size_t at = local_part(a);
  if (at > 66 || at >= a.size() || a[at] != '@') refuse(a, "is not of the form name@domain");
  const std::string_view domain = a.substr(at + 1);
  if (domain.size() > 2 && domain.front() == '[' && domain.back() == ']') {
    for (const char c : domain.substr(1, domain.size() - 2))
      if (!alnum(c) && c != '.' && c != ':' && c != '-') refuse(a, "has an invalid address literal");
    return;
  }
  if (domain.empty() || domain.front() == '.' || domain.front() == '-' ||
      domain.find("..") != std::string_view::npos)
    refuse(a, "has no valid domain");
  for (const char c : domain)
    if (!alnum(c) && c != '.' && c != '-' && c != '_' && !high(c)) refuse(a, "has no valid domain");
}

void check_dsn(const Envelope& e) {
  const Dsn& dsn = e.dsn;
  if (dsn.never && (dsn.success || dsn.failure || dsn.delay))
    throw Failure(Errc::invalid, "reports are asked for both never and sometimes", "dsn.notify",
                  "Say never, or what to report.");
  for (const char c : dsn.envelope_id)
    if (c <= 0x20 || c >= 0x7F || c == '<' || c == '>')
      throw Failure(Errc::invalid, "the envelope id contains other than graphic ASCII, or angle brackets",
                    "dsn.envelope_id", "Use letters, digits, dots and hyphens.");
  if (dsn.envelope_id.size() > 100 || xtext(dsn.envelope_id).size() > 100)
    throw Failure(Errc::invalid, "the envelope id is longer than 100 bytes", "dsn.envelope_id",
                  "Use a shorter one.");
  if (!dsn.original.empty() && dsn.original.size() != e.to.size())
    throw Failure(Errc::invalid, "the original recipients are not as many as the recipients", "dsn.original",
                  "Give one for each recipient, or none.");
  for (const std::string& address : dsn.original) check_address(address, true);
}

}  // namespace

void check(const Envelope& e) {
  if (!e.from.empty()) check_address(e.from, e.smtputf8);
  if (e.to.empty()) throw Failure(Errc::invalid, "the message has no recipient", {}, "Add a recipient.");
  if (e.to.size() > 1000)
    throw Failure(Errc::invalid, "the message has more than 1,000 recipients", {}, "Send it in parts.");
  for (const std::string& address : e.to) check_address(address, e.smtputf8);
  check_dsn(e);
}

void check_ehlo_name(std::string_view name) {
  bool good = !name.empty() && name.size() <= 255;
  for (const char c : name)
    good = good && (alnum(c) || std::string_view(".-:[]").find(c) != std::string_view::npos);
  if (!good)
    throw Failure(Errc::config, "the name for EHLO is no host name or address literal", printable(name, 120),
                  "Use this machine's name, or leave it empty.");
}

}  // namespace mailroom::smtp
