// What a domain publishes: DKIM, SPF, DMARC, MTA-STS, TLS-RPT; and SPF run against a zone of such texts.
// Input: lines; each is a TXT record.
#include "deliver/dkim_record.hpp"
#include "deliver/dmarc.hpp"
#include "deliver/spf.hpp"
#include "deliver/spf_macro.hpp"
#include "deliver/spf_record.hpp"
#include "deliver/tag_list.hpp"
#include "deliver/tls_policy.hpp"
#include "fuzz.hpp"

namespace mailroom::fuzz {
namespace {

using namespace deliver;

template <class F>
void refuses_as_invalid(F&& f) {
  try {
    f();
  } catch (const Failure& failure) {
    must(failure.error.code == Errc::invalid, "a record is refused as invalid");
    must_be_utf8(failure.error.line(), "an error can be printed");
  }
}

SpfMacros macros() {
  return {*Ip::parse("192.0.2.3"), "user@example.org", "helo.example.org", "example.org",
          [] { return std::string("host.example.org"); }};
}

void read(const std::string& txt) {
  refuses_as_invalid([&] { must(TagList::parse(txt).all().size() <= 100, "tags are counted"); });
  refuses_as_invalid([&] { parse_dkim_record(txt); });
  refuses_as_invalid([&] { parse_dmarc(txt); });
  refuses_as_invalid([&] { parse_mta_sts(txt); });
  refuses_as_invalid([&] { parse_tls_rpt(txt); });
  refuses_as_invalid([&] {
    for (const SpfTerm& t : parse_spf(txt).mechanisms) must(!t.text.empty(), "a term has a text");
  });
  refuses_as_invalid([&] { dkim_name(txt, "example.org"); });
  if (spf_domain_problem(txt).empty()) {
    const std::string at = expand_spf_domain(txt, macros());
    must(at.size() <= 253 || at.find('.') == std::string::npos, "a name is within 253, or one label");
  }
  if (spf_macro_problem(txt, true).empty()) expand_spf(txt, macros());
  if (const auto ip = Ip::parse(txt)) must(Ip::parse(ip->text()) == ip, "an address comes back");
  const std::string domain = organisational_domain(txt);
  aligned(txt, domain, false);
}

}  // namespace

FUZZ_TARGET(domain_records) {
  Input in(data);
  std::vector<std::string> zone;
  while (!in.rest().empty() && zone.size() < 16) zone.emplace_back(in.line());
  if (zone.empty()) return;
  for (const std::string& txt : zone) read(txt);
  int asked = 0;
  // The n-th question is answered by the n-th line, round and round.
  const DnsLookup lookup = [&](DnsType type, std::string_view) {
    DnsAnswer a;
    const std::string& txt = zone[static_cast<std::size_t>(asked++) % zone.size()];
    if (txt.empty()) return a;
    a.kind = DnsAnswer::Kind::found;
    const bool address = type == DnsType::a || type == DnsType::aaaa;
    for (int i = 0; i < (address || type == DnsType::txt ? 1 : 12); ++i)
      a.records.push_back({address ? "192.0.2.4" : txt, 10});
    return a;
  };
  const SpfVerdict v =
      check_host({*Ip::parse("192.0.2.3"), "example.org", "user@example.org", "helo.example.org"}, lookup);
  must(asked <= 150, "questions are counted");
  must(v.trail.size() <= 200 && v.explanation.size() <= 512, "what is told is within its limits");
  must_be_utf8(v.explanation, "an explanation can be printed");
  find_dmarc("mail.example.org", lookup);
}

}  // namespace mailroom::fuzz
