#include "deliver/domain_checks.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "deliver/dkim_record.hpp"
#include "deliver/spf.hpp"
#include "deliver/spf_advice.hpp"
#include "deliver/spf_record.hpp"
#include "mime/ascii.hpp"

namespace mailroom::deliver {
namespace {

using State = DomainCheck::State;

constexpr std::size_t kShown = 20;

std::string number(std::size_t n, const char* one, const char* many) {
  return std::to_string(n) + " " + (n == 1 ? one : many);
}

void worse(DomainCheck& c, State state) {
  if (state == State::failed || c.state == State::ok) c.state = state;
}

/// The record with the address allowed, first of all terms: its very text is what to publish.
std::string with_address(const std::string& record, const Ip& ip) {
  return "v=spf1 " + std::string(ip.v6 ? "ip6:" : "ip4:") + ip.text() + record.substr(6);
}

/// The record with a last word that protects: ~all instead of +all, ?all or none.
std::string with_all(const std::string& record) {
  std::string out = "v=spf1";
  for (std::size_t at = 6; at < record.size();) {
    const std::size_t end = std::min(record.find(' ', at), record.size());
    const std::string term = record.substr(at, end - at);
    at = end + 1;
    const std::string bare = mime::to_lower(term);
    if (!term.empty() && bare != "all" && bare != "+all" && bare != "?all") out += " " + term;
  }
  return out + " ~all";
}

bool ends_open(const std::string& record) {
  try {
    const SpfRecord r = parse_spf(record);
    const auto all = std::find_if(r.mechanisms.begin(), r.mechanisms.end(),
                                  [](const SpfTerm& t) { return t.kind == SpfTerm::Kind::all; });
    return all == r.mechanisms.end() ? !r.redirect : all->qualifier == '+' || all->qualifier == '?';
  } catch (const Failure&) {
    return false;
  }
}

void judge_address(const DomainQuestion& q, const DnsLookup& lookup, const std::string& record,
                   DomainCheck& c) {
  SpfQuestion ask;
  ask.ip = *q.ip;
  ask.domain = q.domain;
  ask.sender = "postmaster@" + q.domain;
  const SpfVerdict v = check_host(ask, lookup);
  for (const std::string& line : v.trail) c.found.push_back(line);
  c.summary += "; " + q.ip->text() + ": " + std::string(name(v.result));
  if (!v.problem.empty()) c.summary += " (" + v.problem + ")";
  if (v.result == SpfResult::temperror) {
    c.state = c.state == State::failed ? State::failed : State::unknown;
  } else if (v.result != SpfResult::pass) {
    c.state = State::failed;
    if (!record.empty() && v.result != SpfResult::permerror)
      c.changes.push_back(
          {"allow the address that mail leaves from", q.domain, "TXT", with_address(record, *q.ip)});
  }
}

const std::string& signer_of(const DomainQuestion& q) {
  return q.dkim_domain.empty() ? q.domain : q.dkim_domain;
}

struct Selector {
  State state = State::ok;
  std::string words;
};

Selector judge_key(const DomainQuestion& q, const std::string& selector, const DnsAnswer& txt,
                   DomainCheck& c) {
  const std::string at = dkim_name(selector, signer_of(q));
  if (txt.kind == DnsAnswer::Kind::temporary) return {State::unknown, selector + ": " + txt.why};
  for (const DnsRecord& r : txt.records) c.found.push_back(shown(at, DnsType::txt, r.text));
  for (const std::string& alias : txt.aliases) c.found.push_back(shown(at, DnsType::cname, alias));
  const auto own = q.own_records.find(selector);
  const auto publish = [&](const char* what) {
    if (own != q.own_records.end()) c.changes.push_back({what, at, "TXT", own->second});
  };
  if (!txt.found()) {
    publish("publish the key that signs");
    return {State::failed, selector + ": no record"};
  }
  if (txt.records.size() > 1)
    return {State::failed,
            selector + ": " + std::to_string(txt.records.size()) + " records; receivers take any of them"};
  try {
    const DkimRecord key = parse_dkim_record(txt.records[0].text);
    if (key.revoked) {
      publish("publish the key that signs, or sign with another selector");
      return {State::failed, selector + ": the key is revoked"};
    }
    if (const auto mine = q.own_keys.find(selector); mine != q.own_keys.end() && !key.is_key(mine->second)) {
      publish("publish the key that signs: another one stands there");
      return {State::failed, selector + ": not the key that signs"};
    }
    const std::string kind =
        key.key_type == "rsa" ? "RSA of " + std::to_string(key.bits) + " bits" : "Ed25519";
    if (key.problems.empty()) return {State::ok, selector + ": " + kind};
    std::string words = selector + ": " + kind;
    for (const std::string& p : key.problems) words += "; " + p;
    return {State::warning, words};
  } catch (const Failure& f) {
    publish("publish the key that signs");
    return {State::failed, selector + ": " + f.error.line()};
  }
}

}  // namespace

std::string shown(std::string_view at, DnsType type, std::string_view text) {
  return printable(at, 253) + " " + std::string(name(type)) + " \"" + printable(text, 512) + "\"";
}

DomainCheck check_mx(const DomainQuestion& q, const DnsLookup& lookup) {
  DomainCheck c{"mx", State::ok, {}, {}, {}};
  const DnsAnswer mx = lookup(DnsType::mx, q.domain);
  for (const DnsRecord& r : mx.records)
    if (c.found.size() < kShown)
      c.found.push_back(
          shown(q.domain, DnsType::mx, std::to_string(r.priority) + " " + (r.text.empty() ? "." : r.text)));
  if (mx.kind == DnsAnswer::Kind::temporary) {
    c.state = State::unknown;
    c.summary = mx.why;
  } else if (mx.kind == DnsAnswer::Kind::no_such_name) {
    c.state = State::failed;
    c.summary = "there is no such domain";
    c.changes.push_back({"register the domain, or correct its spelling", {}, {}, {}});
  } else if (!mx.found()) {
    c.state = State::warning;
    c.summary = "no MX: bounces and answers go to the domain's own address, if at all";
    c.changes.push_back(
        {"name the host that takes the domain's mail", q.domain, "MX", "10 mail." + q.domain + "."});
  } else if (mx.records.size() == 1 && mx.records[0].text.empty()) {
    c.state = State::failed;
    c.summary = "a null MX: the domain takes no mail, so receivers refuse mail that says it comes from there";
    c.changes.push_back(
        {"name the host that takes the domain's mail", q.domain, "MX", "10 mail." + q.domain + "."});
  } else {
    c.summary = number(mx.records.size(), "host takes", "hosts take") + " the domain's mail";
  }
  return c;
}

DomainCheck check_spf(const DomainQuestion& q, const DnsLookup& lookup) {
  DomainCheck c{"spf", State::ok, {}, {}, {}};
  const SpfAdvice advice = analyse_spf(q.domain, lookup);
  c.found = advice.lines;
  for (const std::string& e : advice.errors) c.summary += (c.summary.empty() ? "" : "; ") + e;
  for (const std::string& w : advice.warnings) c.summary += (c.summary.empty() ? "" : "; ") + w;
  if (!advice.warnings.empty()) worse(c, State::warning);
  if (advice.temporary) c.state = State::unknown;
  if (!advice.errors.empty()) c.state = State::failed;
  if (advice.record.empty()) {
    if (advice.temporary) {
      c.summary = "the DNS did not answer";
    } else if (advice.errors.empty()) {
      c.state = State::failed;
      c.summary = "no SPF record";
      const std::string own = q.ip ? with_address("v=spf1 mx ~all", *q.ip) : "v=spf1 mx ~all";
      c.changes.push_back(
          {"say who sends for the domain: the MX hosts here; add what the mail provider names (include:...)",
           q.domain, "TXT", own});
    } else {
      c.changes.push_back({"leave one record that begins with v=spf1", {}, {}, {}});
    }
    return c;
  }
  if (c.summary.empty())
    c.summary =
        "one record, " + number(static_cast<std::size_t>(advice.lookups), "look-up", "look-ups") + " of 10";
  if (advice.lookups > kSpfLookups)
    c.changes.push_back(
        {"name fewer domains with include, a and mx; write ip4: and ip6: instead of hosts that stay",
         {},
         {},
         {}});
  if (ends_open(advice.record))
    c.changes.push_back(
        {"end with ~all, or -all when all senders are named", q.domain, "TXT", with_all(advice.record)});
  if (q.ip) judge_address(q, lookup, advice.record, c);
  return c;
}

DomainCheck check_dkim(const DomainQuestion& q, const DnsLookup& lookup) {
  DomainCheck c{"dkim", State::ok, {}, {}, {}};
  std::size_t there = 0, silent = 0;
  for (const std::string& selector : q.selectors) {
    const DnsAnswer txt = lookup(DnsType::txt, dkim_name(selector, signer_of(q)));
    if (q.guessed && txt.absent()) continue;
    if (q.guessed && txt.kind == DnsAnswer::Kind::temporary && silent++ > 0) continue;  // once is enough
    const Selector s = judge_key(q, selector, txt, c);
    c.summary += (c.summary.empty() ? "" : "; ") + s.words;
    if (txt.found()) ++there;
    if (s.state != State::ok) worse(c, s.state);
  }
  if (there == 0 && c.summary.empty()) {
    c.state = State::warning;
    c.summary = "no key under a common selector; DKIM cannot be looked for without its selector";
    c.changes.push_back(
        {"name the selector (s= in DKIM-Signature of a message that was sent), or publish a key",
         {},
         {},
         {}});
  }
  return c;
}

}  // namespace mailroom::deliver
