// What a domain publishes: the advice on SPF, DKIM's keys, DMARC by RFC 7489's examples, MTA-STS and TLS-RPT.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "deliver/dkim_key.hpp"
#include "deliver/dkim_record.hpp"
#include "deliver/dmarc.hpp"
#include "deliver/spf_advice.hpp"
#include "deliver/tls_policy.hpp"
#include "unit/deliver/zone.hpp"

namespace mailroom::deliver {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::Zone;

TEST(SpfAdvice, CountsAndWarns) {
  Zone z;
  z.txt("d.example", "v=spf1 include:one.example include:two.example mx ptr -all");
  z.txt("one.example", "v=spf1 a mx include:three.example ~all")
      .txt("two.example", "v=spf1 include:three.example -all");
  z.txt("three.example", "v=spf1 a a exists:%{i}.x.example ?all");
  const SpfAdvice a = analyse_spf("d.example", z.lookup());
  EXPECT_EQ(a.lookups, 4 + 3 + 1 + 2 * 3);  // three.example is named twice, and costs twice
  EXPECT_THAT(a.errors, Contains(HasSubstr("14 look-ups")));
  EXPECT_THAT(a.warnings, Contains(HasSubstr("ptr is slow")));
  EXPECT_EQ(a.lines.size(), 4u);
}

TEST(SpfAdvice, WhatProtectsNothing) {
  const std::pair<const char*, const char*> rows[] = {
      {"v=spf1 mx +all", "every machine in the world"},
      {"v=spf1 include:gone.example -all", "gone.example has no SPF record"},
      {"v=spf1 include:d.example -all", "includes itself"},
      {"v=spf1 ip4:1.2.3 -all", "\"ip4:1.2.3\""},
      {"v=spf1 include:open.example -all", "every machine in the world"}};
  for (const auto& [record, words] : rows) {
    Zone z;
    z.txt("d.example", record).txt("open.example", "v=spf1 +all");
    EXPECT_THAT(analyse_spf("d.example", z.lookup()).errors, Contains(HasSubstr(words))) << record;
  }
  Zone several;
  several.txt("d.example", "v=spf1 -all").txt("d.example", "v=spf1 mx -all");
  EXPECT_THAT(analyse_spf("d.example", several.lookup()).errors, Contains(HasSubstr("2 SPF records")));
  Zone open_end;
  open_end.txt("d.example", "v=spf1 mx");
  EXPECT_THAT(analyse_spf("d.example", open_end.lookup()).warnings, Contains(HasSubstr("without all")));
  Zone good;
  good.txt("d.example", "v=spf1 mx ip4:192.0.2.0/24 -all");
  EXPECT_THAT(analyse_spf("d.example", good.lookup()).warnings, IsEmpty());
  EXPECT_THAT(analyse_spf("d.example", good.lookup()).errors, IsEmpty());
}

TEST(SpfAdvice, ManyRecordsAreNotFollowedForEver) {
  Zone z;
  for (int i = 0; i < 200; ++i) {
    std::string record = "v=spf1";
    for (int k = 1; k <= 20; ++k) record += " include:r" + std::to_string((i * 20 + k) % 200) + ".example";
    z.txt("r" + std::to_string(i) + ".example", record + " -all");
  }
  const SpfAdvice a = analyse_spf("r0.example", z.lookup());
  EXPECT_EQ(z.questions, 30);
  EXPECT_GT(a.lookups, 10);
}

// The key of RFC 8463, appendix A.2, and the RSA key beside it.
constexpr const char* kEd25519 = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
constexpr const char* kRsa1024 =
    "v=DKIM1; k=rsa; "
    "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/"
    "byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/"
    "K4w3QIDAQAB";

TEST(DkimRecord, TheKeysOfRfc8463) {
  const DkimRecord ed = parse_dkim_record(kEd25519);
  EXPECT_EQ(ed.key_type, "ed25519");
  EXPECT_EQ(ed.bits, 256);
  EXPECT_THAT(ed.problems, IsEmpty());
  EXPECT_TRUE(ed.is_key("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
  EXPECT_FALSE(ed.is_key("21qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="));
  const DkimRecord rsa = parse_dkim_record(kRsa1024);
  EXPECT_EQ(rsa.bits, 1024);
  EXPECT_THAT(rsa.problems, Contains(HasSubstr("2048 are expected")));
}

TEST(DkimRecord, RevokedTestingAndWrong) {
  const DkimRecord revoked = parse_dkim_record("v=DKIM1; p=");
  EXPECT_TRUE(revoked.revoked);
  EXPECT_FALSE(revoked.is_key(""));
  const DkimRecord testing = parse_dkim_record(std::string(kEd25519) + "; t=y:s; h=sha1; s=other");
  EXPECT_TRUE(testing.testing);
  EXPECT_TRUE(testing.strict);
  EXPECT_EQ(testing.problems.size(), 3u);
  for (const char* text :
       {"", "v=DKIM1", "v=DKIM2; p=AAAA", "p=AAAA; v=DKIM1", "v=DKIM1; k=dsa; p=AAAA", "v=DKIM1; p=###",
        "v=DKIM1; k=ed25519; p=AAAA", "v=DKIM1; p=AAAA", "v=DKIM1; v=DKIM1; p=", "v=DKIM1; =x", "nonsense"})
    EXPECT_THROW(parse_dkim_record(text), Failure) << text;
  const std::string whole = kRsa1024;
  for (std::size_t n = 0; n < whole.size(); ++n) {
    try {
      parse_dkim_record(whole.substr(0, n));
    } catch (const Failure& f) {
      EXPECT_EQ(f.error.code, Errc::invalid);
    }
  }
}

TEST(DkimRecord, NamesOfSelectors) {
  EXPECT_EQ(dkim_name("s1.mail", "example.org"), "s1.mail._domainkey.example.org");
  for (const char* bad : {"", "a b", "a\r\nb", "../x", "a..b", "*"})
    EXPECT_THROW(dkim_name(bad, "example.org"), Failure) << bad;
}

TEST(Dmarc, ExamplesOfRfc7489) {
  const DmarcRecord monitoring =
      parse_dmarc("v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com");  // B.2.1
  EXPECT_EQ(name(monitoring.policy), "none");
  EXPECT_EQ(monitoring.aggregate, std::vector<std::string>{"mailto:dmarc-feedback@example.com"});
  const DmarcRecord ruf = parse_dmarc(  // B.2.2
      "v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com; ruf=mailto:auth-reports@example.com");
  EXPECT_EQ(ruf.forensic.size(), 1u);
  const DmarcRecord sub = parse_dmarc(  // B.2.4
      "v=DMARC1; p=quarantine; "
      "rua=mailto:dmarc-feedback@example.com,mailto:tld-test@thirdparty.example.net!10m; pct=25");
  EXPECT_EQ(name(sub.policy), "quarantine");
  EXPECT_EQ(name(sub.subdomains), "quarantine");
  EXPECT_EQ(sub.percent, 25);
  EXPECT_EQ(sub.aggregate.size(), 2u);
  EXPECT_THAT(sub.problems, IsEmpty());
}

TEST(Dmarc, AlignmentOfAppendixB1) {
  EXPECT_TRUE(aligned("example.com", "example.com", true));         // B.1.1, example 1
  EXPECT_TRUE(aligned("example.com", "child.example.com", false));  // example 2: relaxed
  EXPECT_FALSE(aligned("example.com", "child.example.com", true));
  EXPECT_FALSE(aligned("child.example.com", "example.net", false));  // example 3
  EXPECT_TRUE(aligned("News.Example.CO.UK", "mail.example.co.uk", false));
  EXPECT_FALSE(aligned("a.co.uk", "b.co.uk", false));
  EXPECT_FALSE(aligned("", "", false));
}

TEST(Dmarc, OrganisationalDomains) {
  EXPECT_EQ(organisational_domain("a.b.c.d.example.com"), "example.com");
  EXPECT_EQ(organisational_domain("WWW.Example.co.uk."), "example.co.uk");
  EXPECT_EQ(organisational_domain("co.uk"), "co.uk");
  EXPECT_EQ(organisational_domain("com"), "com");
  EXPECT_EQ(organisational_domain(""), "");
}

TEST(Dmarc, BrokenRecords) {
  for (const char* text : {"", "v=DMARC2; p=none", "p=none; v=DMARC1", "v=DMARC1", "v=DMARC1; p=maybe",
                           "v=DMARC1; p=none; p=none"})
    EXPECT_THROW(parse_dmarc(text), Failure) << text;
  const DmarcRecord lenient =
      parse_dmarc("v=DMARC1; p=maybe; rua=mailto:a@example.org; pct=1000; adkim=x; sp=?; ruf=x@example.org");
  EXPECT_EQ(name(lenient.policy), "none");
  EXPECT_EQ(lenient.percent, 100);
  EXPECT_EQ(lenient.problems.size(), 5u);
}

TEST(Dmarc, FoundAtTheDomainThenAtTheOrganisation) {
  Zone z;
  z.txt("_dmarc.example.org", "v=DMARC1; p=reject; sp=quarantine")
      .txt("_dmarc.own.example.org", "v=DMARC1; p=none");
  z.txt("_dmarc.two.example.net", "v=DMARC1; p=none").txt("_dmarc.two.example.net", "v=DMARC1; p=reject");
  z.broken("_dmarc.servfail.example.net").txt("_dmarc.odd.example.net", "v=DMARC1; x");
  const auto policy = [&](const char* domain) {
    const DmarcFound f = find_dmarc(domain, z.lookup());
    EXPECT_EQ(f.kind, DmarcFound::Kind::found) << domain;
    return std::string(name(f.policy_for(domain)));
  };
  EXPECT_EQ(policy("example.org"), "reject");
  EXPECT_EQ(policy("deep.sub.example.org"), "quarantine");
  EXPECT_EQ(policy("own.example.org"), "none");
  EXPECT_EQ(find_dmarc("two.example.net", z.lookup()).kind, DmarcFound::Kind::several);
  EXPECT_EQ(find_dmarc("servfail.example.net", z.lookup()).kind, DmarcFound::Kind::temporary);
  EXPECT_EQ(find_dmarc("odd.example.net", z.lookup()).kind, DmarcFound::Kind::broken);
  EXPECT_EQ(find_dmarc("nothing.example.net", z.lookup()).kind, DmarcFound::Kind::none);
}

TEST(Dmarc, PassesByOneAlignedMechanism) {
  const DmarcRecord strict = parse_dmarc("v=DMARC1; p=reject; adkim=s; aspf=s"),
                    relaxed = parse_dmarc("v=DMARC1; p=reject");
  EXPECT_TRUE(dmarc_passes(relaxed, {"example.org", true, "bounces.example.org", {}}));
  EXPECT_FALSE(dmarc_passes(strict, {"example.org", true, "bounces.example.org", {}}));
  EXPECT_FALSE(dmarc_passes(relaxed, {"example.org", false, "example.org", {}}));
  EXPECT_FALSE(dmarc_passes(relaxed, {"example.org", true, "esp.example.net", {"esp.example.net"}}));
  EXPECT_TRUE(
      dmarc_passes(strict, {"example.org", true, "esp.example.net", {"esp.example.net", "example.org"}}));
}

TEST(TlsPolicy, RecordsOfRfc8461AndRfc8460) {
  EXPECT_EQ(parse_mta_sts("v=STSv1; id=20160831085700Z;").id, "20160831085700Z");
  EXPECT_EQ(parse_tls_rpt("v=TLSRPTv1;rua=mailto:reports@example.com").report_to.size(), 1u);
  EXPECT_EQ(parse_tls_rpt("v=TLSRPTv1; rua=https://reporting.example.com/v1/tlsrpt").report_to.size(), 1u);
  for (const char* bad : {"", "v=STSv1", "v=STSv1; id=a-b", "id=1; v=STSv1"})
    EXPECT_THROW(parse_mta_sts(bad), Failure) << bad;
  for (const char* bad : {"", "v=TLSRPTv1", "v=TLSRPTv1; rua=ftp://x"})
    EXPECT_THROW(parse_tls_rpt(bad), Failure) << bad;
}

}  // namespace
}  // namespace mailroom::deliver
