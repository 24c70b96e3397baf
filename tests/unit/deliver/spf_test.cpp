// check_host() by the examples of RFC 7208 and by a table of its corners.
#include "deliver/spf.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "deliver/spf_macro.hpp"
#include "deliver/spf_record.hpp"
#include "unit/deliver/zone.hpp"

namespace mailroom::deliver {
namespace {

using ::testing::HasSubstr;
using testing::Zone;

SpfVerdict check(Zone& zone, const std::string& ip, const std::string& domain, const std::string& sender = {},
                 const std::string& helo = "mail.example.com") {
  SpfQuestion q;
  q.ip = Ip::parse(ip).value();
  q.domain = domain;
  q.sender = sender.empty() ? "user@" + domain : sender;
  q.helo = helo;
  return check_host(q, zone.lookup());
}

struct Row {
  std::string record, ip, result;
};

// Appendix A.1: the record stands at example.com.
const Row kAppendix[] = {
    {"v=spf1 +all", "203.0.113.9", "pass"},
    {"v=spf1 a -all", "192.0.2.10", "pass"},
    {"v=spf1 a -all", "192.0.2.11", "pass"},
    {"v=spf1 a -all", "192.0.2.65", "fail"},
    {"v=spf1 a:example.org -all", "192.0.2.10", "fail"},
    {"v=spf1 mx -all", "192.0.2.129", "pass"},
    {"v=spf1 mx -all", "192.0.2.130", "pass"},
    {"v=spf1 mx -all", "192.0.2.10", "fail"},
    {"v=spf1 mx:example.org -all", "192.0.2.140", "pass"},
    {"v=spf1 mx mx:example.org -all", "192.0.2.129", "pass"},
    {"v=spf1 mx mx:example.org -all", "192.0.2.130", "pass"},
    {"v=spf1 mx mx:example.org -all", "192.0.2.140", "pass"},
    {"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.131", "pass"},
    {"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.143", "pass"},
    {"v=spf1 mx/30 mx:example.org/30 -all", "192.0.2.144", "fail"},
    {"v=spf1 ptr -all", "192.0.2.65", "pass"},
    {"v=spf1 ptr -all", "192.0.2.140", "fail"},
    {"v=spf1 ptr -all", "10.0.0.4", "fail"},
    {"v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.65", "fail"},
    {"v=spf1 ip4:192.0.2.128/28 -all", "192.0.2.129", "pass"},
};

TEST(Spf, AppendixA1) {
  for (const Row& row : kAppendix) {
    Zone z = testing::rfc7208_zone();
    z.txt("example.com", row.record);
    EXPECT_EQ(name(check(z, row.ip, "example.com").result), row.result) << row.record << " from " << row.ip;
  }
}

TEST(Spf, AppendixA2AndA3) {
  Zone z = testing::rfc7208_zone();
  z.txt("example.org", "v=spf1 include:example.com include:example.net -all");
  z.txt("la.example.org", "v=spf1 redirect=example.org");
  z.txt("example.com", "v=spf1 mx -all");
  z.txt("example.net", "v=spf1 ip4:203.0.113.7 -all");
  EXPECT_EQ(name(check(z, "192.0.2.129", "example.org").result), "pass");
  EXPECT_EQ(name(check(z, "203.0.113.7", "la.example.org").result), "pass");
  EXPECT_EQ(name(check(z, "203.0.113.8", "la.example.org").result), "fail");

  Zone bl;
  bl.txt("example.org", "v=spf1 exists:%{l1r+-}._spf.%{d} -all")
      .txt("b.example", "v=spf1 exists:%{ir}.%{l1r+-}._spf.%{d} -all");
  bl.a("mary.mobile-users._spf.example.org", "127.0.0.2").a("fred._spf.example.org", "127.0.0.2");
  bl.a("15.15.168.192.joel._spf.b.example", "127.0.0.2");
  EXPECT_EQ(name(check(bl, "192.0.2.1", "example.org", "fred@example.org").result), "pass");
  EXPECT_EQ(name(check(bl, "192.0.2.1", "example.org", "fred+lists@example.org").result), "pass");
  EXPECT_EQ(name(check(bl, "192.0.2.1", "example.org", "ada@example.org").result), "fail");
  EXPECT_EQ(name(check(bl, "192.168.15.15", "b.example", "joel@b.example").result), "pass");
  EXPECT_EQ(name(check(bl, "192.168.15.16", "b.example", "joel@b.example").result), "fail");
}

// The record stands at d.example; the zone around it is corners() below.
const Row kTable[] = {
    {"v=spf1", "192.0.2.1", "neutral"},
    {"V=SPF1 -ALL", "192.0.2.1", "fail"},
    {"v=spf1 ~all", "192.0.2.1", "softfail"},
    {"v=spf1 ?all", "192.0.2.1", "neutral"},
    {"v=spf1 all", "192.0.2.1", "pass"},
    {"v=spf10 -all", "192.0.2.1", "none"},
    {"v=spf1  ip4:192.0.2.1   -all ", "192.0.2.1", "pass"},
    {"v=spf1 -all ip4:192.0.2.1", "192.0.2.1", "fail"},
    {"v=spf1 ?ip4:192.0.2.0/24 -all", "192.0.2.77", "neutral"},
    {"v=spf1 ip4:192.0.2.1/32 -all", "192.0.2.2", "fail"},
    {"v=spf1 ip4:0.0.0.0/0 -all", "8.8.8.8", "pass"},
    {"v=spf1 ip4:192.0.2.1/33 -all", "192.0.2.1", "permerror"},
    {"v=spf1 ip4:192.0.2.1/08 -all", "192.0.2.1", "permerror"},
    {"v=spf1 ip4:192.0.2.1/ -all", "192.0.2.1", "permerror"},
    {"v=spf1 ip4:192.0.2 -all", "192.0.2.1", "permerror"},
    {"v=spf1 ip4 -all", "192.0.2.1", "permerror"},
    {"v=spf1 ip4:2001:db8::1 -all", "192.0.2.1", "permerror"},
    {"v=spf1 ip6:192.0.2.1 -all", "192.0.2.1", "permerror"},
    {"v=spf1 ip6:2001:db8::/32 -all", "2001:db8:1::9", "pass"},
    {"v=spf1 ip6:2001:db8::/32 -all", "2001:db9::1", "fail"},
    {"v=spf1 ip6:2001:db8::/129 -all", "2001:db8::1", "permerror"},
    {"v=spf1 ip6:::ffff:192.0.2.1 -all", "192.0.2.1", "fail"},
    {"v=spf1 ip4:192.0.2.1 -all", "::ffff:192.0.2.1", "pass"},
    {"v=spf1 a:both.example -all", "2001:db8::7", "pass"},
    {"v=spf1 a:both.example//64 -all", "2001:db8::ffff", "pass"},
    {"v=spf1 a:both.example/24//64 -all", "192.0.2.200", "pass"},
    {"v=spf1 a:both.example/24//64 -all", "2001:db8:0:1::1", "fail"},
    {"v=spf1 a:both.example/24/64 -all", "192.0.2.200", "permerror"},
    {"v=spf1 a/24 -all", "192.0.2.9", "fail"},
    {"v=spf1 a: -all", "192.0.2.9", "permerror"},
    {"v=spf1 a:/24 -all", "192.0.2.9", "permerror"},
    {"v=spf1 a:noroot -all", "192.0.2.9", "permerror"},
    {"v=spf1 a:all.123 -all", "192.0.2.9", "permerror"},
    {"v=spf1 mx:nomx.example -all", "192.0.2.9", "fail"},
    {"v=spf1 mx:nullmx.example -all", "192.0.2.9", "fail"},
    {"v=spf1 mx:manymx.example -all", "192.0.2.9", "permerror"},
    {"v=spf1 all:x.example", "192.0.2.9", "permerror"},
    {"v=spf1 include -all", "192.0.2.9", "permerror"},
    {"v=spf1 include:pass.example -all", "192.0.2.9", "pass"},
    {"v=spf1 include:fail.example ~all", "192.0.2.9", "softfail"},
    {"v=spf1 -include:pass.example +all", "192.0.2.9", "fail"},
    {"v=spf1 include:none.example -all", "192.0.2.9", "permerror"},
    {"v=spf1 include:two.example -all", "192.0.2.9", "permerror"},
    {"v=spf1 include:syntax.example -all", "192.0.2.9", "permerror"},
    {"v=spf1 include:broken.example -all", "192.0.2.9", "temperror"},
    {"v=spf1 a:broken.example -all", "192.0.2.9", "temperror"},
    {"v=spf1 ip4:192.0.2.9 a:broken.example -all", "192.0.2.9", "pass"},
    {"v=spf1 include:loop.example -all", "192.0.2.9", "permerror"},
    {"v=spf1 redirect=pass.example", "192.0.2.9", "pass"},
    {"v=spf1 redirect=fail.example", "192.0.2.9", "fail"},
    {"v=spf1 redirect=none.example", "192.0.2.9", "permerror"},
    {"v=spf1 redirect=pass.example -all", "192.0.2.9", "fail"},
    {"v=spf1 redirect=pass.example redirect=pass.example", "192.0.2.9", "permerror"},
    {"v=spf1 redirect=", "192.0.2.9", "permerror"},
    {"v=spf1 exp=x.example exp=x.example -all", "192.0.2.9", "permerror"},
    {"v=spf1 moo=1 -all", "192.0.2.9", "fail"},
    {"v=spf1 moo=%{x} -all", "192.0.2.9", "permerror"},
    {"v=spf1 =moo -all", "192.0.2.9", "permerror"},
    {"v=spf1 moo -all", "192.0.2.9", "permerror"},
    {"v=spf1 moo:x.example -all", "192.0.2.9", "permerror"},
    {"v=spf1 -moo=1 -all", "192.0.2.9", "permerror"},
    {"v=spf1 ip4:192.0.2.9 moo -all", "192.0.2.9",
     "permerror"},  // syntax counts before any evaluation (§4.6)
    {"v=spf1\t-all", "192.0.2.9", "none"},
    {"v=spf1 -all\t", "192.0.2.9", "permerror"},
    {"v=spf1 exists:%{i}.ok.example -all", "192.0.2.9", "pass"},
    {"v=spf1 exists:%{ir}.ok.example -all", "192.0.2.9", "fail"},
    {"v=spf1 exists:%{d0}.ok.example -all", "192.0.2.9", "permerror"},
    {"v=spf1 exists:%{c}.ok.example -all", "192.0.2.9", "permerror"},
    {"v=spf1 exists:%(i).ok.example -all", "192.0.2.9", "permerror"},
    {"v=spf1 exists:a%%b.ok.example -all", "192.0.2.9", "fail"},
    {"v=spf1 a:gone1.example a:gone2.example -all", "192.0.2.9", "fail"},
    {"v=spf1 a:gone1.example a:gone2.example a:gone3.example -all", "192.0.2.9", "permerror"},
    {"v=spf1 a:b.ok.example a:b.ok.example a:b.ok.example a:b.ok.example a:b.ok.example a:b.ok.example "
     "a:b.ok.example "
     "a:b.ok.example a:b.ok.example a:b.ok.example -all",
     "192.0.2.9", "fail"},
    {"v=spf1 a:b.ok.example a:b.ok.example a:b.ok.example a:b.ok.example a:b.ok.example a:b.ok.example "
     "a:b.ok.example "
     "a:b.ok.example a:b.ok.example a:b.ok.example a:b.ok.example -all",
     "192.0.2.9", "permerror"},
};

Zone corners() {
  Zone z;
  z.a("both.example", "192.0.2.7").add(DnsType::aaaa, "both.example", "2001:db8::7");
  z.a("nomx.example", "192.0.2.9").add(DnsType::mx, "nullmx.example", "");
  for (int i = 0; i < 11; ++i) z.add(DnsType::mx, "manymx.example", "both.example");
  z.txt("pass.example", "v=spf1 +all").txt("fail.example", "v=spf1 -all").txt("none.example", "hello");
  z.txt("two.example", "v=spf1 -all").txt("two.example", "v=spf1 +all").txt("syntax.example", "v=spf1 bad");
  z.txt("loop.example", "v=spf1 include:loop.example -all").broken("broken.example");
  z.a("192.0.2.9.ok.example", "127.0.0.2").a("b.ok.example", "198.51.100.1");
  return z;
}

TEST(Spf, Table) {
  static_assert(std::size(kAppendix) + std::size(kTable) >= 60);
  for (const Row& row : kTable) {
    Zone z = corners();
    z.txt("d.example", "something else").txt("d.example", row.record).a("d.example", "198.51.100.9");
    const SpfVerdict v = check(z, row.ip, "d.example");
    EXPECT_EQ(name(v.result), row.result) << row.record << " from " << row.ip << ": " << v.problem;
    EXPECT_LE(z.questions, 130) << row.record;
  }
}

TEST(Spf, WhatIsNoDomainOrHasNoRecordIsNone) {
  Zone z;
  z.txt("localhost", "v=spf1 +all").a("x.example", "192.0.2.1").broken("servfail.example");
  EXPECT_EQ(name(check(z, "192.0.2.1", "localhost").result), "none");
  EXPECT_EQ(name(check(z, "192.0.2.1", "a..b").result), "none");
  EXPECT_EQ(name(check(z, "192.0.2.1", std::string(64, 'a') + ".example").result), "none");
  EXPECT_EQ(name(check(z, "192.0.2.1", "x.example").result), "none");
  EXPECT_EQ(name(check(z, "192.0.2.1", "missing.example").result), "none");
  EXPECT_EQ(name(check(z, "192.0.2.1", "servfail.example").result), "temperror");
}

TEST(Spf, ABouncesSenderIsThePostmasterOfHelo) {
  Zone z;
  z.txt("d.example", "v=spf1 exists:%{l}.%{o}.ok.example -all")
      .a("postmaster.mx.example.ok.example", "127.0.0.2");
  SpfQuestion q;
  q.ip = Ip::parse("192.0.2.1").value();
  q.domain = "d.example";
  q.helo = "mx.example";
  EXPECT_EQ(name(check_host(q, z.lookup()).result), "pass");
}

TEST(Spf, ExplanationAndTrail) {
  Zone z;
  z.txt("d.example", "v=spf1 ip4:192.0.2.7 -all exp=why.%{d}")
      .txt("why.d.example", "%{i} is not one of %{d}'s%_%{r}");
  const SpfVerdict v = check(z, "192.0.2.1", "d.example");
  EXPECT_EQ(name(v.result), "fail");
  EXPECT_EQ(v.matched, "-all");
  EXPECT_EQ(v.explanation, "192.0.2.1 is not one of d.example's unknown");
  ASSERT_EQ(v.trail.size(), 3u);
  EXPECT_THAT(v.trail[1], HasSubstr("\"ip4:192.0.2.7\" does not match"));
  EXPECT_THAT(v.trail[2], HasSubstr("\"-all\" matches"));
}

TEST(Spf, AnErrorNamesTheTerm) {
  Zone z;
  z.txt("d.example", "v=spf1 ip4:192.0.2.300 -all");
  EXPECT_THAT(check(z, "192.0.2.1", "d.example").problem, HasSubstr("\"ip4:192.0.2.300\""));
  Zone hostile;
  hostile.txt("d.example", "v=spf1 x\r\ny:\x01 -all");
  const SpfVerdict v = check(hostile, "192.0.2.1", "d.example");
  EXPECT_EQ(name(v.result), "permerror");
  EXPECT_EQ(v.problem.find_first_of("\r\n\x01"), std::string::npos);
}

TEST(Spf, EveryPrefixOfARecordIsReadOrRefused) {
  const std::string record =
      "v=spf1 +a:%{d2r}.x.example/24//64 mx/3 ptr:y.example ip6:2001:db8::/32 exists:%{ir}.%{v}.z.example "
      "?include:w.example redirect=%{l1r-}.v.example exp=e.example";
  for (std::size_t n = 0; n <= record.size(); ++n) {
    const std::string cut = record.substr(0, n);
    try {
      EXPECT_LE(parse_spf(cut).mechanisms.size(), 6u);
    } catch (const Failure& f) {
      EXPECT_EQ(f.error.code, Errc::invalid) << cut;
    }
  }
  EXPECT_EQ(parse_spf(record).mechanisms.size(), 6u);
}

TEST(SpfMacros, Section74) {
  SpfMacros m;
  m.ip = Ip::parse("192.0.2.3").value();
  m.sender = "strong-bad@email.example.com";
  m.domain = "email.example.com";
  m.validated = [] { return std::string("mx.example.org"); };
  const std::pair<const char*, const char*> rows[] = {
      {"%{s}", "strong-bad@email.example.com"},
      {"%{o}", "email.example.com"},
      {"%{d}", "email.example.com"},
      {"%{d4}", "email.example.com"},
      {"%{d3}", "email.example.com"},
      {"%{d2}", "example.com"},
      {"%{d1}", "com"},
      {"%{dr}", "com.example.email"},
      {"%{d2r}", "example.email"},
      {"%{l}", "strong-bad"},
      {"%{l-}", "strong.bad"},
      {"%{lr}", "strong-bad"},
      {"%{lr-}", "bad.strong"},
      {"%{l1r-}", "strong"},
      {"%{p}", "mx.example.org"},
      {"%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"},
      {"%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"},
      {"%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com"},
      {"%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"},
      {"%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"},
      {"%{S}", "strong-bad%40email.example.com"},
  };
  for (const auto& [text, expanded] : rows) {
    EXPECT_EQ(spf_macro_problem(text), "") << text;
    EXPECT_EQ(expand_spf(text, m), expanded) << text;
  }
  m.ip = Ip::parse("2001:db8::cb01").value();
  EXPECT_EQ(expand_spf("%{ir}.%{v}._spf.%{d2}", m),
            "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6._spf.example.com");
  m.sender = std::string(300, 'a') + "." + std::string(60, 'b') + "@x.example";
  EXPECT_EQ(expand_spf_domain("%{l}.example.com", m), std::string(60, 'b') + ".example.com");
}

}  // namespace
}  // namespace mailroom::deliver
