#include "deliver/spf_record.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "deliver/spf_macro.hpp"
#include "mime/ascii.hpp"

namespace mailroom::deliver {
namespace {

using Kind = SpfTerm::Kind;

constexpr std::size_t kMostBytes = 64u << 10;

struct Named {
  std::string_view name;
  Kind kind;
};
constexpr std::array kMechanisms{Named{"all", Kind::all}, Named{"include", Kind::include},
                                 Named{"a", Kind::a},     Named{"mx", Kind::mx},
                                 Named{"ptr", Kind::ptr}, Named{"ip4", Kind::ip4},
                                 Named{"ip6", Kind::ip6}, Named{"exists", Kind::exists}};

[[noreturn]] void wrong(std::string_view term, const std::string& why) {
  throw Failure(Errc::invalid, "the SPF record cannot be read: " + why, printable(term, 200));
}

/// Digits without a leading zero, at most `most`; -1 where it is none.
int number(std::string_view text, int most) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text[0] == '0')) return -1;
  int n = 0;
  for (const char c : text) {
    if (!mime::is_digit(c)) return -1;
    n = n * 10 + (c - '0');
  }
  return n <= most ? n : -1;
}

/// Cuts "/digits" off the end; empty where there is none.
std::string_view cut_prefix(std::string_view& text, std::string_view slashes) {
  std::size_t at = text.size();
  while (at > 0 && mime::is_digit(text[at - 1])) --at;
  if (at == text.size() || at < slashes.size() || text.substr(at - slashes.size(), slashes.size()) != slashes)
    return {};
  const std::string_view digits = text.substr(at);
  text.remove_suffix(text.size() - at + slashes.size());
  return digits;
}

void read_dual_prefix(std::string_view& rest, SpfTerm& term) {
  if (const std::string_view digits = cut_prefix(rest, "//"); !digits.empty()) {
    term.prefix6 = number(digits, 128);
    if (term.prefix6 < 0) wrong(term.text, "the IPv6 prefix is not 0 to 128");
  }
  if (const std::string_view digits = cut_prefix(rest, "/"); !digits.empty()) {
    term.prefix4 = number(digits, 32);
    if (term.prefix4 < 0) wrong(term.text, "the IPv4 prefix is not 0 to 32");
  }
}

void read_network(std::string_view rest, SpfTerm& term) {
  if (!rest.starts_with(':')) wrong(term.text, "the address is missing");
  rest.remove_prefix(1);
  const bool v6 = term.kind == Kind::ip6;
  std::string_view address = rest;
  if (const std::size_t slash = rest.find('/'); slash != std::string_view::npos) {
    address = rest.substr(0, slash);
    (v6 ? term.prefix6 : term.prefix4) = number(rest.substr(slash + 1), v6 ? 128 : 32);
    if ((v6 ? term.prefix6 : term.prefix4) < 0) wrong(term.text, "the prefix is not a length of the address");
  }
  const auto ip = Ip::parse(address);
  // An IPv4 address in IPv6's spelling parses as IPv4: as ip6 it matches no IPv6 address.
  const bool looks_v6 = address.find(':') != std::string_view::npos;
  if (!ip || looks_v6 != v6) wrong(term.text, v6 ? "this is no IPv6 address" : "this is no IPv4 address");
  term.network = *ip;
}

void read_mechanism(std::string_view body, SpfTerm& term) {
  const std::size_t end = body.find_first_of(":/");
  const std::string_view name = body.substr(0, end);
  std::string_view rest = end == std::string_view::npos ? std::string_view() : body.substr(end);
  const auto* known = std::find_if(kMechanisms.begin(), kMechanisms.end(),
                                   [&](const Named& n) { return mime::iequals(n.name, name); });
  if (known == kMechanisms.end()) wrong(term.text, "there is no such mechanism");
  term.kind = known->kind;
  switch (term.kind) {
    case Kind::all:
      if (!rest.empty()) wrong(term.text, "all stands alone");
      return;
    case Kind::ip4:
    case Kind::ip6:
      read_network(rest, term);
      return;
    case Kind::a:
    case Kind::mx:
      read_dual_prefix(rest, term);
      break;
    default:
      break;
  }
  const bool needs_target = term.kind == Kind::include || term.kind == Kind::exists;
  if (rest.empty() && !needs_target) return;
  if (!rest.starts_with(':'))
    wrong(term.text, needs_target ? "the domain is missing" : "this is not its syntax");
  rest.remove_prefix(1);
  if (const std::string problem = spf_domain_problem(rest); !problem.empty()) wrong(term.text, problem);
  term.target = rest;
}

bool is_modifier_name(std::string_view name) {
  return !name.empty() && mime::is_alpha(name[0]) && std::all_of(name.begin(), name.end(), [](char c) {
    return mime::is_alpha(c) || mime::is_digit(c) || c == '-' || c == '_' || c == '.';
  });
}

void read_term(std::string_view text, SpfRecord& record) {
  SpfTerm term;
  term.text = text;
  const std::size_t equals = text.find('=');
  if (equals != std::string_view::npos && is_modifier_name(text.substr(0, equals))) {
    const std::string_view name = text.substr(0, equals), value = text.substr(equals + 1);
    const bool redirect = mime::iequals(name, "redirect"), exp = mime::iequals(name, "exp");
    if (!redirect && !exp) {
      if (const std::string problem = spf_macro_problem(value); !problem.empty()) wrong(text, problem);
      return;  // unknown modifiers are passed over (§6)
    }
    if (const std::string problem = spf_domain_problem(value); !problem.empty()) wrong(text, problem);
    auto& slot = redirect ? record.redirect : record.exp;
    if (slot) wrong(text, "it stands there twice");
    term.kind = redirect ? Kind::redirect : Kind::exp;
    term.target = value;
    slot = std::move(term);
    return;
  }
  std::string_view body = text;
  if (body.find_first_of("+-~?") == 0) {
    term.qualifier = body[0];
    body.remove_prefix(1);
  }
  read_mechanism(body, term);
  record.mechanisms.push_back(std::move(term));
}

}  // namespace

bool SpfTerm::looks_up() const {
  return kind != Kind::all && kind != Kind::ip4 && kind != Kind::ip6 && kind != Kind::exp;
}

bool is_spf(std::string_view txt) {
  return mime::istarts_with(txt, "v=spf1") && (txt.size() == 6 || txt[6] == ' ');
}

SpfRecord parse_spf(std::string_view txt) {
  if (!is_spf(txt)) wrong(txt, "it does not begin with v=spf1");
  if (txt.size() > kMostBytes) wrong(txt, "it has more than 64 KB");
  SpfRecord record;
  for (std::size_t at = 6; at < txt.size();) {
    if (txt[at] == ' ') {
      ++at;
      continue;
    }
    const std::size_t end = std::min(txt.find(' ', at), txt.size());
    read_term(txt.substr(at, end - at), record);
    at = end;
  }
  return record;
}

}  // namespace mailroom::deliver
