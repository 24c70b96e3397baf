#include "deliver/dmarc.hpp"

#include <libpsl.h>

#include <algorithm>

#include "base/error.hpp"
#include "deliver/tag_list.hpp"
#include "mime/ascii.hpp"

namespace mailroom::deliver {
namespace {

using Policy = DmarcRecord::Policy;

Failure wrong(const std::string& why, std::string_view where) {
  return {Errc::invalid, "the DMARC record cannot be read: " + why, printable(where, 200)};
}

std::optional<Policy> policy_of(std::string_view text) {
  for (const Policy p : {Policy::none, Policy::quarantine, Policy::reject})
    if (mime::iequals(text, name(p))) return p;
  return std::nullopt;
}

std::vector<std::string> uris(const TagList& tags, const char* tag, DmarcRecord& r) {
  std::vector<std::string> out = pieces(tags.value(tag), ',');
  for (const std::string& uri : out)
    if (!uri.starts_with("mailto:") && !uri.starts_with("https:"))
      r.problems.push_back(std::string(tag) + "= has an address that is no mailto: URI");
  return out;
}

bool strict_mode(const TagList& tags, const char* tag, DmarcRecord& r) {
  const std::string mode = mime::to_lower(tags.value(tag, "r"));
  if (mode != "r" && mode != "s")
    r.problems.push_back(std::string(tag) + "= is neither r nor s, and counts as r");
  return mode == "s";
}

std::string without_dot(std::string_view domain) {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  return mime::to_lower(domain);
}

}  // namespace

std::string_view name(Policy policy) {
  switch (policy) {
    case Policy::none:
      return "none";
    case Policy::quarantine:
      return "quarantine";
    case Policy::reject:
      return "reject";
  }
  return "none";
}

DmarcRecord parse_dmarc(std::string_view txt) {
  const TagList tags = TagList::parse(txt);
  if (tags.all().empty() || tags.all().front() != std::make_pair(std::string("v"), std::string("DMARC1")))
    throw wrong("it does not begin with v=DMARC1", txt.substr(0, 40));
  DmarcRecord r;
  r.aggregate = uris(tags, "rua", r);
  r.forensic = uris(tags, "ruf", r);
  const std::string* p = tags.find("p");
  const std::optional<Policy> policy = p ? policy_of(*p) : std::nullopt;
  if (!policy) {
    if (r.aggregate.empty())
      throw wrong("p= is not none, quarantine or reject", "p=" + (p ? *p : std::string()));
    r.problems.push_back("p= is not none, quarantine or reject, and counts as none");
  }
  r.policy = policy.value_or(Policy::none);
  r.subdomains = r.policy;
  if (const std::string* sp = tags.find("sp")) {
    if (const auto parsed = policy_of(*sp))
      r.subdomains = *parsed;
    else
      r.problems.push_back("sp= is not none, quarantine or reject");
  }
  const std::string pct = tags.value("pct", "100");
  const bool digits = !pct.empty() && pct.size() <= 3 && std::all_of(pct.begin(), pct.end(), &mime::is_digit);
  if (digits && std::stoi(pct) <= 100)
    r.percent = std::stoi(pct);
  else
    r.problems.push_back("pct= is not 0 to 100, and counts as 100");
  r.strict_dkim = strict_mode(tags, "adkim", r);
  r.strict_spf = strict_mode(tags, "aspf", r);
  return r;
}

std::string organisational_domain(std::string_view domain) {
  const std::string z = without_dot(domain);
  if (z.find('\0') != std::string::npos) return z;
  // The built-in list is constant data: shared by all threads, never freed.
  const char* found = psl_registrable_domain(psl_builtin(), z.c_str());
  return found ? std::string(found) : z;
}

bool aligned(std::string_view from_domain, std::string_view authenticated, bool strict) {
  const std::string from = without_dot(from_domain), other = without_dot(authenticated);
  if (from.empty() || other.empty()) return false;
  return from == other || (!strict && organisational_domain(from) == organisational_domain(other));
}

Policy DmarcFound::policy_for(std::string_view domain) const {
  return without_dot(domain) == at ? record.policy : record.subdomains;
}

DmarcFound find_dmarc(std::string_view domain, const DnsLookup& lookup) {
  DmarcFound out;
  const std::string own = without_dot(domain), org = organisational_domain(domain);
  for (const std::string& at : {own, org}) {
    out.at = at;
    const DnsAnswer txt = lookup(DnsType::txt, "_dmarc." + at);
    if (txt.kind == DnsAnswer::Kind::temporary) {
      out.kind = DmarcFound::Kind::temporary;
      out.why = txt.why;
      return out;
    }
    std::size_t count = 0;
    for (const DnsRecord& r : txt.records)
      if (has_version(r.text, "DMARC1") && ++count == 1) out.text = r.text;
    if (count > 1) {
      out.kind = DmarcFound::Kind::several;
      return out;
    }
    if (count == 1) {
      try {
        out.record = parse_dmarc(out.text);
        out.kind = DmarcFound::Kind::found;
      } catch (const Failure& f) {
        out.kind = DmarcFound::Kind::broken;
        out.why = f.error.line();
      }
      return out;
    }
    if (own == org) break;
  }
  out.at = own;
  return out;
}

bool dmarc_passes(const DmarcRecord& record, const Authenticated& m) {
  if (m.spf_pass && aligned(m.from_domain, m.spf_domain, record.strict_spf)) return true;
  return std::any_of(m.dkim_domains.begin(), m.dkim_domains.end(),
                     [&](const std::string& d) { return aligned(m.from_domain, d, record.strict_dkim); });
}

}  // namespace mailroom::deliver
