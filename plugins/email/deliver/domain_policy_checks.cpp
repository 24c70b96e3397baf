// The checks of what a domain asks of others: DMARC, alignment, MTA-STS, TLS-RPT; and of an address's name.
#include "base/error.hpp"
#include "deliver/dmarc.hpp"
#include "deliver/domain_checks.hpp"
#include "deliver/tag_list.hpp"
#include "deliver/tls_policy.hpp"
#include "mime/ascii.hpp"

namespace mailroom::deliver {
namespace {

using State = DomainCheck::State;
using Policy = DmarcRecord::Policy;

std::string starter(const DomainQuestion& q) { return "v=DMARC1; p=none; rua=mailto:postmaster@" + q.domain; }

/// The one record of that version at a name. `words`: why there is none.
struct Versioned {
  State state = State::ok;
  std::string text, words;
};
Versioned find_versioned(const std::string& at, const char* version, const DnsLookup& lookup,
                         DomainCheck& c) {
  const DnsAnswer txt = lookup(DnsType::txt, at);
  if (txt.kind == DnsAnswer::Kind::temporary) return {State::unknown, {}, txt.why};
  Versioned out{State::absent, {}, "not published"};
  std::size_t count = 0;
  for (const DnsRecord& r : txt.records) {
    if (!has_version(r.text, version)) continue;
    if (++count == 1) c.found.push_back(shown(at, DnsType::txt, r.text));
    out = {State::ok, r.text, {}};
  }
  if (count > 1) out = {State::failed, {}, std::to_string(count) + " records; receivers then use none"};
  return out;
}

void judge_dmarc(const DomainQuestion& q, const DmarcFound& found, DomainCheck& c) {
  const Policy policy = found.policy_for(q.domain);
  c.summary = "p=" + std::string(name(policy)) + (found.at == q.domain ? "" : " by " + found.at);
  for (const std::string& p : found.record.problems) c.summary += "; " + p;
  if (!found.record.problems.empty()) c.state = State::warning;
  if (policy == Policy::none) {
    c.state = State::warning;
    c.summary += "; others' mail in the domain's name is let through";
    c.changes.push_back(
        {"when the reports show that own mail passes, ask for p=quarantine, then p=reject",
         "_dmarc." + found.at, "TXT",
         "v=DMARC1; p=quarantine; rua=" + (found.record.aggregate.empty() ? "mailto:postmaster@" + q.domain
                                                                          : found.record.aggregate.front())});
  }
  if (found.record.percent < 100) {
    c.state = State::warning;
    c.summary += "; only for " + std::to_string(found.record.percent) + " % of it";
  }
  if (found.record.aggregate.empty()) {
    c.state = State::warning;
    c.summary += "; nobody gets the reports (rua=)";
    c.changes.push_back({"add rua=mailto:... to see who sends in the domain's name", {}, {}, {}});
  }
}

}  // namespace

DomainCheck check_dmarc(const DomainQuestion& q, const DnsLookup& lookup) {
  DomainCheck c{"dmarc", State::ok, {}, {}, {}};
  const DmarcFound found = find_dmarc(q.domain, lookup);
  if (!found.text.empty()) c.found.push_back(shown("_dmarc." + found.at, DnsType::txt, found.text));
  switch (found.kind) {
    case DmarcFound::Kind::found:
      judge_dmarc(q, found, c);
      break;
    case DmarcFound::Kind::temporary:
      c.state = State::unknown;
      c.summary = found.why;
      break;
    case DmarcFound::Kind::none:
      c.state = State::failed;
      c.summary = "no DMARC record; large receivers ask for one";
      c.changes.push_back({"begin with reports only", "_dmarc." + q.domain, "TXT", starter(q)});
      break;
    case DmarcFound::Kind::several:
      c.state = State::failed;
      c.summary = "several DMARC records at _dmarc." + found.at + "; receivers then use none";
      c.changes.push_back({"leave one of them", {}, {}, {}});
      break;
    case DmarcFound::Kind::broken:
      c.state = State::failed;
      c.summary = found.why;
      c.changes.push_back({"publish one that can be read", "_dmarc." + found.at, "TXT", starter(q)});
      break;
  }
  return c;
}

DomainCheck check_alignment(const DomainQuestion& q, const DnsLookup& lookup) {
  DomainCheck c{"alignment", State::ok, {}, {}, {}};
  const DmarcFound found = find_dmarc(q.domain, lookup);
  const std::string envelope = q.envelope_domain.empty() ? q.domain : q.envelope_domain;
  const std::string signer = q.dkim_domain.empty() ? q.domain : q.dkim_domain;
  const bool spf = aligned(q.domain, envelope, found.record.strict_spf);
  const bool dkim = aligned(q.domain, signer, found.record.strict_dkim);
  const auto words = [](bool yes) { return yes ? " is aligned" : " is not aligned"; };
  c.summary = "the envelope's " + printable(envelope, 253) + words(spf) + ", the signature's " +
              printable(signer, 253) + words(dkim);
  if (spf && dkim) return c;
  c.state = spf || dkim ? State::warning : State::failed;
  if (!dkim) c.changes.push_back({"sign with d=" + q.domain, {}, {}, {}});
  if (!spf) c.changes.push_back({"use a bounce address in " + organisational_domain(q.domain), {}, {}, {}});
  return c;
}

DomainCheck check_mta_sts(const DomainQuestion& q, const DnsLookup& lookup) {
  DomainCheck c{"mta_sts", State::ok, {}, {}, {}};
  const Versioned v = find_versioned("_mta-sts." + q.domain, "STSv1", lookup, c);
  c.state = v.state;
  c.summary = v.words;
  if (v.state == State::absent) c.summary += "; it protects mail to the domain, and is not needed to send";
  if (v.state != State::ok) return c;
  try {
    c.summary = "policy " + printable(parse_mta_sts(v.text).id, 32) +
                " is announced; the policy itself was not fetched";
  } catch (const Failure& f) {
    c.state = State::warning;
    c.summary = f.error.line();
  }
  return c;
}

DomainCheck check_tls_rpt(const DomainQuestion& q, const DnsLookup& lookup) {
  DomainCheck c{"tls_rpt", State::ok, {}, {}, {}};
  const Versioned v = find_versioned("_smtp._tls." + q.domain, "TLSRPTv1", lookup, c);
  c.state = v.state;
  c.summary = v.words;
  if (v.state == State::absent)
    c.changes.push_back({"to hear of failed TLS to the domain (not needed to send)", "_smtp._tls." + q.domain,
                         "TXT", "v=TLSRPTv1; rua=mailto:postmaster@" + q.domain});
  if (v.state != State::ok) return c;
  try {
    c.summary = "reports go to " + printable(parse_tls_rpt(v.text).report_to.front(), 200);
  } catch (const Failure& f) {
    c.state = State::warning;
    c.summary = f.error.line();
  }
  return c;
}

DomainCheck check_reverse_dns(const DomainQuestion& q, const DnsLookup& lookup) {
  DomainCheck c{"reverse_dns", State::ok, {}, {}, {}};
  std::optional<Ip> ip = q.ip;
  std::string whose = "the given address";
  if (!ip) {
    // Mail may leave elsewhere: what is wrong with the MX host's address is a hint, no more.
    const DnsAnswer mx = lookup(DnsType::mx, q.domain);
    if (mx.found() && !mx.records[0].text.empty()) {
      whose = "the MX host " + printable(mx.records[0].text, 253);
      const DnsAnswer a = lookup(DnsType::a, mx.records[0].text);
      if (a.found()) ip = Ip::parse(a.records[0].text);
    }
  }
  if (!ip) {
    c.state = State::unknown;
    c.summary = "no address to look at: name the one that mail leaves from (ip)";
    return c;
  }
  const DnsAnswer ptr = lookup(DnsType::ptr, ip->reverse_name());
  if (ptr.kind == DnsAnswer::Kind::temporary) {
    c.state = State::unknown;
    c.summary = ptr.why;
    return c;
  }
  const State bad = q.ip ? State::failed : State::warning;
  if (!ptr.found()) {
    c.state = bad;
    c.summary = ip->text() + " (" + whose + ") has no name; many receivers refuse that";
    c.changes.push_back({"have the address's provider set its PTR record", ip->reverse_name(), "PTR",
                         "mail." + q.domain + "."});
    return c;
  }
  bool silent = false;
  for (std::size_t i = 0; i < ptr.records.size() && i < 10; ++i) {
    const std::string& host = ptr.records[i].text;
    c.found.push_back(shown(ip->reverse_name(), DnsType::ptr, host));
    const DnsAnswer back = lookup(ip->v6 ? DnsType::aaaa : DnsType::a, host);
    silent = silent || back.kind == DnsAnswer::Kind::temporary;
    for (const DnsRecord& r : back.records)
      if (Ip::parse(r.text) == ip) {
        c.summary = ip->text() + " (" + whose + ") is " + printable(host, 253) + ", which leads back to it";
        return c;
      }
  }
  c.state = silent ? State::unknown : bad;
  c.summary = ip->text() + " (" + whose + ") has a name that does not lead back to it";
  c.changes.push_back({"let the name lead back to the address", printable(ptr.records[0].text, 253),
                       ip->v6 ? "AAAA" : "A", ip->text()});
  return c;
}

}  // namespace mailroom::deliver
