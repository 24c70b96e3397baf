// A domain's report: each state of each check, and the record that it asks for.
#include "deliver/domain_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "unit/deliver/zone.hpp"

namespace mailroom::deliver {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using State = DomainCheck::State;
using testing::Zone;

constexpr const char* kKey = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

const DomainCheck& find(const DomainReport& r, std::string_view which) {
  for (const DomainCheck& c : r.checks)
    if (c.name == which) return c;
  throw std::logic_error("no such check");
}

Zone good() {
  Zone z;
  z.add(DnsType::mx, "d.example", "mx.d.example", 10).a("mx.d.example", "192.0.2.1");
  z.add(DnsType::ptr, "1.2.0.192.in-addr.arpa", "mx.d.example");
  z.txt("d.example", "v=spf1 mx -all").txt("s1._domainkey.d.example", kKey);
  z.txt("_dmarc.d.example", "v=DMARC1; p=reject; rua=mailto:r@d.example");
  z.txt("_mta-sts.d.example", "v=STSv1; id=1")
      .txt("_smtp._tls.d.example", "v=TLSRPTv1; rua=mailto:t@d.example");
  return z;
}

DomainQuestion question() {
  DomainQuestion q;
  q.domain = "d.example";
  q.selectors = {"s1"};
  q.ip = Ip::parse("192.0.2.1");
  return q;
}

TEST(DomainReport, AllIsWell) {
  Zone z = good();
  const DomainReport r = examine_domain(question(), z.lookup());
  EXPECT_EQ(r.count(State::ok), 8u) << r.text();
  EXPECT_TRUE(r.json()["ok"].boolean());
  for (const DomainCheck& c : r.checks) EXPECT_THAT(c.changes, IsEmpty()) << c.name;
}

TEST(DomainReport, NothingIsPublished) {
  Zone z;
  z.a("d.example", "192.0.2.1");
  const DomainReport r = examine_domain(question(), z.lookup());
  EXPECT_EQ(find(r, "mx").state, State::warning);
  EXPECT_EQ(find(r, "spf").state, State::failed);
  EXPECT_EQ(find(r, "spf").changes.at(0).value, "v=spf1 ip4:192.0.2.1 mx ~all");
  EXPECT_EQ(find(r, "dkim").state, State::failed);
  EXPECT_EQ(find(r, "dmarc").changes.at(0).name, "_dmarc.d.example");
  EXPECT_EQ(find(r, "dmarc").changes.at(0).value, "v=DMARC1; p=none; rua=mailto:postmaster@d.example");
  EXPECT_EQ(find(r, "mta_sts").state, State::absent);
  EXPECT_EQ(find(r, "reverse_dns").changes.at(0).name, "1.2.0.192.in-addr.arpa");
  EXPECT_FALSE(r.json()["ok"].boolean());
}

TEST(DomainReport, TheAddressIsNotAllowed) {
  Zone z = good();
  DomainQuestion q = question();
  q.ip = Ip::parse("198.51.100.7");
  const DomainCheck spf = find(examine_domain(q, z.lookup()), "spf");
  EXPECT_EQ(spf.state, State::failed);
  EXPECT_THAT(spf.summary, HasSubstr("198.51.100.7: fail"));
  EXPECT_EQ(spf.changes.at(0).value, "v=spf1 ip4:198.51.100.7 mx -all");
}

TEST(DomainReport, AnOpenRecordGetsAnEnd) {
  Zone z;
  z.txt("d.example", "v=spf1 mx +all");
  DomainQuestion q = question();
  q.ip.reset();
  const DomainCheck spf = find(examine_domain(q, z.lookup()), "spf");
  EXPECT_EQ(spf.state, State::failed);
  EXPECT_EQ(spf.changes.at(0).value, "v=spf1 mx ~all");
}

TEST(DomainReport, TheKeyThatSignsIsCompared) {
  Zone z = good();
  DomainQuestion q = question();
  q.own_keys["s1"] = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
  q.own_records["s1"] = kKey;
  EXPECT_EQ(find(examine_domain(q, z.lookup()), "dkim").state, State::ok);
  q.own_keys["s1"] = "AAAAAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
  q.own_records["s1"] = "v=DKIM1; k=ed25519; p=AAAAAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
  const DomainCheck dkim = find(examine_domain(q, z.lookup()), "dkim");
  EXPECT_EQ(dkim.state, State::failed);
  EXPECT_EQ(dkim.changes.at(0).name, "s1._domainkey.d.example");
  EXPECT_EQ(dkim.changes.at(0).value, q.own_records["s1"]);
}

TEST(DomainReport, GuessedSelectorsThatAreMissingSayNothing) {
  Zone z = good();
  DomainQuestion q = question();
  q.guessed = true;
  q.selectors = common_selectors();
  EXPECT_EQ(find(examine_domain(q, z.lookup()), "dkim").state, State::ok);
  Zone none;
  EXPECT_EQ(find(examine_domain(q, none.lookup()), "dkim").state, State::warning);
}

TEST(DomainReport, Alignment) {
  Zone z = good();
  z.txt("_dmarc.strict.example", "v=DMARC1; p=reject; rua=mailto:r@strict.example; aspf=s");
  DomainQuestion q = question();
  q.envelope_domain = "bounces.d.example";
  EXPECT_EQ(find(examine_domain(q, z.lookup()), "alignment").state, State::ok);
  q.dkim_domain = "esp.example.net";
  EXPECT_EQ(find(examine_domain(q, z.lookup()), "alignment").state, State::warning);
  q.domain = "strict.example";
  q.envelope_domain = "b.strict.example";
  EXPECT_EQ(find(examine_domain(q, z.lookup()), "alignment").state, State::failed);
}

TEST(DomainReport, NoAnswerIsNoVerdict) {
  Zone z;
  for (const char* at : {"d.example", "s1._domainkey.d.example", "_dmarc.d.example", "_mta-sts.d.example",
                         "_smtp._tls.d.example", "1.2.0.192.in-addr.arpa"})
    z.broken(at);
  const DomainReport r = examine_domain(question(), z.lookup());
  EXPECT_EQ(r.count(State::unknown), 7u) << r.text();
  EXPECT_EQ(r.count(State::failed), 0u) << r.text();
  EXPECT_FALSE(r.json()["ok"].boolean());
}

TEST(DomainReport, WhatTheDnsSaysIsPrintable) {
  Zone z;
  z.txt("d.example", "v=spf1 \x1b[2J\r\n -all").txt("_dmarc.d.example", "v=DMARC1; p=none; rua=\x01\xff");
  z.txt("s1._domainkey.d.example", std::string("v=DKIM1; p=\0x", 13));
  const std::string text = examine_domain(question(), z.lookup()).text();
  EXPECT_EQ(text.find_first_of(std::string("\x1b\r\x01\0", 4)), std::string::npos) << text;
}

TEST(DomainReport, WhatCannotBeADomain) {
  Zone z;
  for (const char* bad : {"", "localhost", "a b.example", "x\r\n.example", "a..b", "\xc3\xbc.example"}) {
    DomainQuestion q;
    q.domain = bad;
    EXPECT_THROW(examine_domain(q, z.lookup()), Failure) << bad;
  }
  EXPECT_EQ(z.questions, 0);
}

}  // namespace
}  // namespace mailroom::deliver
