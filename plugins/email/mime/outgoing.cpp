#include "mime/outgoing.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>

#include "base/error.hpp"
#include "base/idna.hpp"
#include "mime/ascii.hpp"
#include "mime/compose.hpp"
#include "mime/unicode.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

std::string ascii_domain(std::string_view domain, std::string& problem) {
  if (domain.size() > 2 && domain.front() == '[' && domain.back() == ']') {
    std::string_view inside = domain.substr(1, domain.size() - 2);
    if (istarts_with(inside, "IPv6:")) inside.remove_prefix(5);
    const bool good = std::all_of(inside.begin(), inside.end(),
                                  [](char c) { return hex_value(c) >= 0 || c == '.' || c == ':'; });
    if (!good || inside.empty() || inside.size() > 45) problem = "has a domain literal that is no IP address";
    return std::string(domain);
  }
  const std::optional<std::string> converted = mailroom::ascii_domain(domain);
  if (!converted) {
    problem = "has a domain that is not a valid internationalised name";
    return {};
  }
  const std::string& out = *converted;
  bool good = !out.empty() && out.size() <= 253;
  std::size_t label = 0;
  for (std::size_t i = 0; i < out.size() && good; ++i) {
    const char c = out[i];
    const bool edge = i == 0 || i + 1 == out.size() || out[i - 1] == '.' || out[i + 1] == '.';
    if (c == '.') {
      good = !edge;
      label = 0;
    } else {
      good = (is_alpha(c) || is_digit(c) || c == '_' || (c == '-' && !edge)) && ++label <= 63;
    }
  }
  if (!good) problem = "has a domain that is not a host name";
  return out;
}

// Persian and Indic words, and emoji, are written with joiners: between two of their letters they stay.
bool is_joiner(char32_t c) { return c == 0x200C || c == 0x200D; }

std::string_view local_problem(std::string_view local) {
  if (local.empty()) return "has nothing before the @";
  if (local.size() > 64) return "has more than 64 bytes before the @";
  if (local.find("=?") != local.npos) return "has an encoded word before the @";
  if (local.front() == '"') {
    if (local.size() < 3 || local.back() != '"') return "has unbalanced quotes";
    for (std::size_t i = 1; i + 1 < local.size(); ++i) {
      const char c = local[i];
      if (c == '\\' && i + 2 < local.size() && local[i + 1] >= 0x20 && local[i + 1] < 0x7f)
        ++i;
      else if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
        return "has a character that quotes cannot hold";
    }
    return {};
  }
  if (local.front() == '.' || local.back() == '.' || local.find("..") != local.npos)
    return "has a misplaced dot before the @";
  for (std::size_t at = 0; at < local.size();) {
    const char32_t c = next_char(local, at);
    if (c >= 0x80) {
      if (is_invisible(c) || is_control(c) || c == 0xFFFD || c == 0xA0 || c == 0x3000)
        return "has an invisible character";
      continue;
    }
    const char a = static_cast<char>(c);
    if (!is_alpha(a) && !is_digit(a) &&
        std::string_view("!#$%&'*+-/=?^_`{|}~.").find(a) == std::string_view::npos)
      return "has a character that an address cannot hold";
  }
  return {};
}

}  // namespace

void refuse(const std::string& where, std::string_view what, std::string cure) {
  std::string line = "the message cannot be composed: " + where + " " + std::string(what);
  throw Failure(Errc::invalid, std::move(line), where, std::move(cure));
}

void too_much(const std::string& where, std::size_t limit, std::string_view unit) {
  std::string line = "the message cannot be composed: " + where + " is beyond " + std::to_string(limit) +
                     " " + std::string(unit);
  throw Failure(Errc::limit, std::move(line), where, "send less, or in several messages");
}

std::string date_text(std::int64_t unix_seconds) {
  if (unix_seconds < 0 || unix_seconds > 253402300799) refuse("date", "is not between 1970 and 9999");
  const std::int64_t days = unix_seconds / 86400;
  const auto seconds = static_cast<int>(unix_seconds % 86400);
  const std::int64_t z = days + 719468;
  const std::int64_t era = z / 146097;
  const std::int64_t doe = z - era * 146097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::int64_t mp = (5 * doy + 2) / 153;
  const auto day = static_cast<int>(doy - (153 * mp + 2) / 5 + 1);
  const auto month = static_cast<std::size_t>(mp < 10 ? mp + 2 : mp - 10);  // from 0
  const auto year = static_cast<int>(yoe + era * 400 + (month <= 1));
  constexpr std::array<const char*, 7> kDays{"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d +0000",
                kDays[static_cast<std::size_t>(days % 7)], day, kMonths[month], year, seconds / 3600,
                seconds / 60 % 60, seconds % 60);
  return text.data();
}

void add_recipients(const std::vector<Address>& list, std::vector<std::string>& envelope) {
  for (const auto& a : list) {
    const std::size_t at = a.address.rfind('@');
    const bool known = std::any_of(envelope.begin(), envelope.end(), [&](const std::string& e) {
      return e.size() == a.address.size() && e.compare(0, at, a.address, 0, at) == 0 &&
             iequals(std::string_view(e).substr(at), std::string_view(a.address).substr(at));
    });
    if (!known) envelope.push_back(a.address);
  }
}

void check_unique(std::string_view token) {
  const bool good =
      token.size() >= 8 && token.size() <= 128 && std::all_of(token.begin(), token.end(), [](char c) {
        return is_alpha(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
      });
  if (!good || token.front() == '.' || token.back() == '.')
    refuse("message_id_unique", "is not a token of 8 to 128 characters");
}

std::string sendable_address(std::string_view address, std::string& problem) {
  problem = slot_problem(address, 320);
  if (!problem.empty()) return {};
  const std::size_t at = address.rfind('@');
  if (at == address.npos) {
    problem = "has no @";
    return {};
  }
  const std::string_view local = address.substr(0, at);
  problem = local_problem(local);
  if (!problem.empty()) return {};
  std::string domain = ascii_domain(address.substr(at + 1), problem);
  if (!problem.empty()) return {};
  if (local.size() + 1 + domain.size() > 254) problem = "is longer than 254 bytes";
  return std::string(local) + '@' + domain;
}

std::string address_problem(std::string_view address) {
  std::string problem;
  sendable_address(address, problem);
  return problem;
}

std::string id_problem(std::string_view id) {
  std::string problem = slot_problem(id, 900);
  if (!problem.empty()) return problem;
  if (id.empty()) return "is empty";
  for (char c : id)
    if (c <= 0x20 || c > 0x7e || c == '<' || c == '>') return "has a character that a message id cannot hold";
  return {};
}

bool is_token(std::string_view s) {
  return !s.empty() && s.size() <= 127 && std::all_of(s.begin(), s.end(), [](char c) {
    return c > 0x20 && c < 0x7f && std::string_view("()<>@,;:\\\"/[]?=").find(c) == std::string_view::npos;
  });
}

bool is_allowed_header(std::string_view name) {
  for (char c : name)
    if (!is_alpha(c) && !is_digit(c) && c != '-') return false;
  if (name.size() > 70) return false;
  // A relay or a filter may take these for its own word about the message.
  for (std::string_view prefix :
       {"X-Original-", "X-Envelope-", "X-Spam-", "X-Received", "X-Authentic", "X-Google-", "X-MS-Exchange-"})
    if (istarts_with(name, prefix)) return false;
  if (istarts_with(name, "X-")) return name.size() > 2;
  constexpr std::array<std::string_view, 15> kAllowed{
      "List-Id",   "List-Unsubscribe", "List-Unsubscribe-Post", "List-Help",  "List-Subscribe",
      "List-Post", "List-Owner",       "List-Archive",          "Precedence", "Importance",
      "Priority",  "Sensitivity",      "Organization",          "Keywords",   "Comments"};
  return std::any_of(kAllowed.begin(), kAllowed.end(), [&](std::string_view n) { return iequals(n, name); });
}

bool is_private_header(std::string_view name) {
  for (const std::string_view prefix :
       {"Resent-", "X-Mozilla-", "X-Enigmail-", "X-KMail-", "X-Evolution-", "X-Apple-", "X-Uniform-Type-",
        "X-Universally-Unique-", "X-Original-", "X-Envelope-", "X-MS-Exchange-", "X-Gmail-", "X-GM-", "ARC-"})
    if (istarts_with(name, prefix)) return true;
  constexpr std::array<std::string_view, 20> kPrivate{"Return-Path",
                                                      "Received",
                                                      "Received-SPF",
                                                      "Delivered-To",
                                                      "Authentication-Results",
                                                      "DKIM-Signature",
                                                      "DomainKey-Signature",
                                                      "Fcc",
                                                      "X-Fcc",
                                                      "X-Unsent",
                                                      "X-Identity-Key",
                                                      "X-Account-Key",
                                                      "X-Template",
                                                      "Status",
                                                      "X-Status",
                                                      "X-Keywords",
                                                      "X-UID",
                                                      "X-UIDL",
                                                      "Content-Length",
                                                      "Lines"};
  return std::any_of(kPrivate.begin(), kPrivate.end(), [&](std::string_view n) { return iequals(n, name); });
}

namespace {

// What Windows takes for a device, whatever extension follows; "COM\u00b9", too, and "con .txt".
bool is_device(std::string_view stem) {
  const std::string name = to_lower(trim(stem));
  for (const std::string_view device : {"con", "prn", "aux", "nul", "conin$", "conout$"})
    if (name == device) return true;
  if (!name.starts_with("com") && !name.starts_with("lpt")) return false;
  const std::string number = name.substr(3);
  return (number.size() == 1 && is_digit(number[0])) || number == "\u00b9" || number == "\u00b2" ||
         number == "\u00b3";
}

}  // namespace

std::string safe_filename(std::string_view name) {
  std::string out;
  const std::string valid = aoh::valid_utf8(name);
  bool spelled = false;  // the last character that is seen is beyond ASCII
  for (std::size_t at = 0; at < valid.size();) {
    const char32_t c = next_char(valid, at);
    if (is_invisible(c)) {
      const bool letter_follows = at < valid.size() && static_cast<unsigned char>(valid[at]) >= 0x80;
      if (spelled && (c == 0xFE0F || (is_joiner(c) && letter_follows))) put_char(out, c);
      continue;
    }
    spelled = c >= 0x80;
    const bool bad =
        is_control(c) ||
        (c < 0x80 && std::string_view("/\\:*?\"<>|").find(static_cast<char>(c)) != std::string_view::npos);
    put_char(out, bad ? U'_' : c);
  }
  std::string_view s = out;
  while (!s.empty() && (s.front() == '.' || s.front() == ' ')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == '.' || s.back() == ' ')) s.remove_suffix(1);
  constexpr std::size_t kMax = 200;
  std::string result(s);
  if (s.size() > kMax) {
    const std::size_t dot = s.rfind('.');
    const std::string_view extension =
        dot != s.npos && s.size() - dot <= 16 ? s.substr(dot) : std::string_view();
    result = aoh::utf8_prefix(s, kMax - extension.size());
    while (result.ends_with("\u200C") || result.ends_with("\u200D")) result.resize(result.size() - 3);
    while (result.ends_with('.') || result.ends_with(' ')) result.pop_back();
    result += extension;
  }
  if (is_device(result.substr(0, result.find('.')))) result.insert(0, "_");
  return result.empty() ? "attachment" : result;
}

}  // namespace mailroom::mime
