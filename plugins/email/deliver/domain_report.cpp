#include "deliver/domain_report.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "deliver/domain_checks.hpp"

namespace mailroom::deliver {
namespace {

using State = DomainCheck::State;

constexpr std::size_t kMostSelectors = 20;

std::string padded(std::string_view text, std::size_t width) {
  std::string out(text);
  if (out.size() < width) out.append(width - out.size(), ' ');
  return out;
}

/// What is built on the domain's own text may hold anything; a record to publish holds printable ASCII or is
/// none.
void drop_unprintable(DomainCheck& check) {
  for (DnsChange& change : check.changes)
    for (const std::string* text : {&change.name, &change.value})
      if (std::any_of(text->begin(), text->end(), [](char c) { return c < ' ' || c > '~'; })) {
        change.name.clear();
        change.type.clear();
        change.value.clear();
        break;
      }
}

}  // namespace

std::string_view name(State state) {
  switch (state) {
    case State::ok:
      return "ok";
    case State::warning:
      return "warning";
    case State::failed:
      return "failed";
    case State::unknown:
      return "unknown";
    case State::absent:
      return "absent";
  }
  return "unknown";
}

const std::vector<std::string>& common_selectors() {
  static const std::vector<std::string> kCommon{"default", "mail",   "dkim",      "s1",        "s2",
                                                "k1",      "google", "selector1", "selector2", "fm1"};
  return kCommon;
}

std::size_t DomainReport::count(State state) const {
  return static_cast<std::size_t>(
      std::count_if(checks.begin(), checks.end(), [&](const DomainCheck& c) { return c.state == state; }));
}

aoh::Json DomainReport::json() const {
  aoh::Json list = aoh::Json::array();
  for (const DomainCheck& c : checks) {
    aoh::Json j{{"check", c.name}, {"state", std::string(name(c.state))}, {"summary", c.summary}};
    aoh::Json found = aoh::Json::array(), changes = aoh::Json::array();
    for (const std::string& f : c.found) found.push(f);
    for (const DnsChange& change : c.changes) {
      aoh::Json k{{"what", change.what}};
      if (!change.name.empty())
        k.set("name", change.name).set("type", change.type).set("value", change.value);
      changes.push(std::move(k));
    }
    j.set("found", std::move(found)).set("changes", std::move(changes));
    list.push(std::move(j));
  }
  return aoh::Json{{"domain", domain},
                   {"ok", count(State::failed) == 0 && count(State::unknown) == 0},
                   {"checks", std::move(list)}};
}

std::string DomainReport::text() const {
  std::string out;
  for (const DomainCheck& c : checks) {
    const bool loud = c.state == State::failed;
    out += padded(c.name, 12) + padded(loud ? "FAILED" : name(c.state), 8) + " " + c.summary + "\n";
    for (const std::string& f : c.found) out += "              found: " + f + "\n";
    for (const DnsChange& change : c.changes) {
      out += "              to do: " + change.what + "\n";
      if (!change.name.empty())
        out += "                     " + change.name + " " + change.type + " " + change.value + "\n";
    }
  }
  return out;
}

DomainReport examine_domain(const DomainQuestion& question, const DnsLookup& lookup) {
  if (!is_dns_name(question.domain) || question.domain.find('.') == std::string::npos)
    throw Failure(Errc::invalid, "this is no full domain name: \"" + printable(question.domain, 100) + "\"",
                  "domain", "Write example.org; an international name in its xn-- form");
  if (question.selectors.size() > kMostSelectors)
    throw Failure(Errc::limit, "more than 20 selectors", "selectors");
  DomainReport report{question.domain, {}};
  constexpr std::array kChecks{&check_mx,        &check_spf,     &check_dkim,    &check_dmarc,
                               &check_alignment, &check_mta_sts, &check_tls_rpt, &check_reverse_dns};
  for (const auto check : kChecks) {
    report.checks.push_back(check(question, lookup));
    drop_unprintable(report.checks.back());
  }
  return report;
}

}  // namespace mailroom::deliver
