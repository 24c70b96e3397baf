#include "deliver/spf.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "deliver/spf_macro.hpp"
#include "deliver/spf_record.hpp"
#include "mime/ascii.hpp"

namespace mailroom::deliver {
namespace {

using Kind = SpfTerm::Kind;

constexpr std::size_t kMostNames = 10, kMostTrail = 200;

/// The evaluation ends early, with this result.
struct Stop {
  SpfResult result;
  std::string problem;
};

std::string in_quotes(std::string_view text) { return "\"" + printable(text, 200) + "\""; }

SpfResult of_qualifier(char q) {
  switch (q) {
    case '-':
      return SpfResult::fail;
    case '~':
      return SpfResult::softfail;
    case '?':
      return SpfResult::neutral;
    default:
      return SpfResult::pass;
  }
}

bool below(std::string_view name, std::string_view domain) {
  return mime::iequals(name, domain) ||
         (name.size() > domain.size() && name[name.size() - domain.size() - 1] == '.' &&
          mime::iequals(name.substr(name.size() - domain.size()), domain));
}

class Check {
 public:
  Check(const SpfQuestion& q, const DnsLookup& lookup, SpfVerdict& verdict)
      : q_(q), lookup_(lookup), v_(verdict) {
    sender_ = q.sender;
    if (sender_.empty()) sender_ = q.helo.empty() ? q.domain : q.helo;
    if (sender_.find('@') == std::string::npos) sender_ = "postmaster@" + sender_;
    if (sender_[0] == '@') sender_ = "postmaster" + sender_;
  }

  /// Throws Stop for temperror and permerror, which end everything however deep (§5.2).
  SpfResult run(const std::string& domain, bool outermost) {
    // The root and single labels have no policy; what is no name cannot (§4.3).
    if (!is_dns_name(domain) || domain.find('.') == std::string::npos)
      return none("it is no full domain name", domain);
    const DnsAnswer txt = lookup_(DnsType::txt, domain);
    if (txt.kind == DnsAnswer::Kind::temporary)
      throw Stop{SpfResult::temperror, "TXT of " + domain + ": " + txt.why};
    const SpfFound found = find_spf(txt);
    if (found.count == 0) return none("there is no SPF record", domain);
    if (found.count > 1)
      throw Stop{SpfResult::permerror, domain + " has " + std::to_string(found.count) + " SPF records"};
    SpfRecord record;
    try {
      record = parse_spf(found.text);
    } catch (const Failure& f) {
      throw Stop{SpfResult::permerror, f.error.what + ": " + in_quotes(f.error.where) + " at " + domain};
    }
    note(domain + " has " + in_quotes(found.text));
    for (const SpfTerm& term : record.mechanisms) {
      const bool hit = matches(term, domain);
      note("  " + in_quotes(term.text) + (hit ? " matches" : " does not match"));
      if (!hit) continue;
      if (outermost) v_.matched = term.text;
      const SpfResult result = of_qualifier(term.qualifier);
      if (outermost && result == SpfResult::fail && record.exp) explain(*record.exp, domain);
      return result;
    }
    if (!record.redirect) return SpfResult::neutral;
    count(*record.redirect);
    const std::string target = expand_spf_domain(record.redirect->target, macros(domain));
    note("  " + in_quotes(record.redirect->text) + " leads to " + printable(target, 253));
    const SpfResult result = run(target, outermost);
    if (result == SpfResult::none)
      throw Stop{SpfResult::permerror,
                 "redirect leads to " + printable(target, 253) + ", which has no SPF record"};
    return result;
  }

 private:
  SpfResult none(const char* why, const std::string& domain) {
    v_.problem = printable(domain, 253) + ": " + why;
    return SpfResult::none;
  }
  void note(std::string line) {
    if (v_.trail.size() < kMostTrail) v_.trail.push_back(std::move(line));
  }
  void count(const SpfTerm& term) {
    if (++v_.lookups > kSpfLookups)
      throw Stop{SpfResult::permerror, "more than 10 look-ups, at " + in_quotes(term.text)};
  }
  SpfMacros macros(const std::string& domain) {
    return {q_.ip,
            sender_,
            q_.helo.empty() ? "unknown" : q_.helo,
            domain,
            [this, domain] { return validated(domain); },
            "unknown",
            q_.now_s};
  }
  /// An answer within a mechanism: no answer ends the check, one without records is counted.
  DnsAnswer ask(DnsType type, const std::string& dns_name) {
    DnsAnswer answer = lookup_(type, dns_name);
    if (answer.kind == DnsAnswer::Kind::temporary)
      throw Stop{SpfResult::temperror,
                 std::string(name(type)) + " of " + printable(dns_name, 253) + ": " + answer.why};
    if (answer.absent() && ++v_.void_lookups > kSpfVoidLookups)
      throw Stop{SpfResult::permerror, "more than 2 look-ups found nothing, the last of them " +
                                           std::string(name(type)) + " of " + printable(dns_name, 253)};
    return answer;
  }
  DnsType address_type() const { return q_.ip.v6 ? DnsType::aaaa : DnsType::a; }
  bool is_among(const DnsAnswer& answer, const SpfTerm& term) const {
    return std::any_of(answer.records.begin(), answer.records.end(), [&](const DnsRecord& r) {
      const auto ip = Ip::parse(r.text);
      return ip && q_.ip.within(*ip, q_.ip.v6 ? term.prefix6 : term.prefix4);
    });
  }

  bool matches(const SpfTerm& term, const std::string& domain) {
    if (term.looks_up()) count(term);
    const std::string target = term.target.empty() ? domain : expand_spf_domain(term.target, macros(domain));
    switch (term.kind) {
      case Kind::all:
        return true;
      case Kind::ip4:
        return !q_.ip.v6 && q_.ip.within(term.network, term.prefix4);
      case Kind::ip6:
        return q_.ip.v6 && q_.ip.within(term.network, term.prefix6);
      case Kind::include:
        return included(target, term);
      case Kind::a:
        return is_among(ask(address_type(), target), term);
      case Kind::mx:
        return mx(target, term);
      case Kind::exists:
        return ask(DnsType::a, target).found();  // A also for IPv6 (§5.7)
      case Kind::ptr: {
        const std::vector<std::string> names = validated_names();
        return std::any_of(names.begin(), names.end(),
                           [&](const std::string& n) { return below(n, target); });
      }
      case Kind::redirect:
      case Kind::exp:
        break;
    }
    return false;
  }

  bool included(const std::string& target, const SpfTerm& term) {
    const SpfResult result = run(target, false);
    if (result == SpfResult::none)
      throw Stop{SpfResult::permerror, in_quotes(term.text) + " names a domain that has no SPF record"};
    return result == SpfResult::pass;
  }

  bool mx(const std::string& target, const SpfTerm& term) {
    const DnsAnswer hosts = ask(DnsType::mx, target);
    if (hosts.records.size() > kMostNames)
      throw Stop{SpfResult::permerror, in_quotes(term.text) + " has more than 10 MX hosts"};
    return std::any_of(hosts.records.begin(), hosts.records.end(), [&](const DnsRecord& host) {
      return !host.text.empty() && is_among(ask(address_type(), host.text), term);
    });
  }

  /// Names of the address that lead back to it; DNS errors count as no name (§5.5).
  std::vector<std::string> validated_names() {
    std::vector<std::string> names;
    const DnsAnswer ptr = lookup_(DnsType::ptr, q_.ip.reverse_name());
    if (ptr.absent() && ++v_.void_lookups > kSpfVoidLookups)
      throw Stop{SpfResult::permerror, "more than 2 look-ups found nothing, the last of them PTR"};
    for (std::size_t i = 0; i < ptr.records.size() && i < kMostNames; ++i) {
      const DnsAnswer back = lookup_(address_type(), ptr.records[i].text);
      if (std::any_of(back.records.begin(), back.records.end(),
                      [&](const DnsRecord& r) { return Ip::parse(r.text) == q_.ip; }))
        names.push_back(ptr.records[i].text);
    }
    return names;
  }
  /// The macro p: the domain itself, else a name below it, else any (§7.3).
  std::string validated(const std::string& domain) {
    const std::vector<std::string> names = validated_names();
    for (const std::string& n : names)
      if (mime::iequals(n, domain)) return n;
    for (const std::string& n : names)
      if (below(n, domain)) return n;
    return names.empty() ? "unknown" : names.front();
  }

  /// Errors here mean only that there is no explanation (§6.2).
  void explain(const SpfTerm& exp, const std::string& domain) {
    const DnsAnswer txt = lookup_(DnsType::txt, expand_spf_domain(exp.target, macros(domain)));
    if (txt.records.size() != 1 || !spf_macro_problem(txt.records[0].text, true).empty()) return;
    v_.explanation = printable(expand_spf(txt.records[0].text, macros(domain)));
  }

  const SpfQuestion& q_;
  const DnsLookup& lookup_;
  SpfVerdict& v_;
  std::string sender_;
};

}  // namespace

std::string_view name(SpfResult result) {
  switch (result) {
    case SpfResult::none:
      return "none";
    case SpfResult::neutral:
      return "neutral";
    case SpfResult::pass:
      return "pass";
    case SpfResult::fail:
      return "fail";
    case SpfResult::softfail:
      return "softfail";
    case SpfResult::temperror:
      return "temperror";
    case SpfResult::permerror:
      return "permerror";
  }
  return "none";
}

SpfFound find_spf(const DnsAnswer& txt) {
  SpfFound found;
  for (const DnsRecord& r : txt.records)
    if (is_spf(r.text) && ++found.count == 1) found.text = r.text;
  return found;
}

SpfVerdict check_host(const SpfQuestion& question, const DnsLookup& lookup) {
  SpfVerdict verdict;
  try {
    verdict.result = Check(question, lookup, verdict).run(question.domain, true);
  } catch (const Stop& stop) {
    verdict.result = stop.result;
    verdict.problem = stop.problem;
  }
  return verdict;
}

}  // namespace mailroom::deliver
