// TLS as a credential record says it, and the warning of a certificate that ends.
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "host/account.hpp"
#include "host/expiry.hpp"

namespace mailroom::host {
namespace {

constexpr std::int64_t kDay = 86'400, kNow = 1'795'000'000;

TEST(Expiry, WarnsBelowFourteenDaysAndOnceADay) {
  Expiry expiry;
  const auto at = [&](const std::string& server, std::int64_t days, std::int64_t now) {
    net::TlsDetails d;
    d.certificate_ends_s = now + days * kDay + 60;
    return expiry.seen(server, d, now).value_or("");
  };
  EXPECT_EQ(at("a:993", 90, kNow), "");
  EXPECT_EQ(at("a:993", 14, kNow), "");
  EXPECT_EQ(at("a:993", 13, kNow), "the certificate of a:993 expires in 13 days: its operator must renew it");
  EXPECT_EQ(at("a:993", 13, kNow + 60), "");
  EXPECT_EQ(at("a:993", 12, kNow + kDay - 1), "");
  EXPECT_NE(at("a:465", 1, kNow + 60), "") << "another server";
  EXPECT_NE(at("a:993", 12, kNow + kDay), "");
  EXPECT_NE(at("a:993", 12, kNow - 5 * kDay), "") << "a clock that was set back does not silence it";
  EXPECT_EQ(at("a:993", 90, kNow + kDay), "") << "renewed";
  EXPECT_NE(at("a:993", 2, kNow + kDay + 1), "") << "and told at once when the old one is back";
}

aoh::Json record(const aoh::Json& imap) {
  return aoh::Json{{"id", "a"}, {"email", "a@x.example"}, {"imap", imap}, {"require_tls", false}};
}

TEST(TlsSettings, PlaintextIsForLoopbackByNameAndByAddress) {
  const auto where = [](const aoh::Json& imap) -> std::string {
    try {
      account_from(record(imap));
    } catch (const Failure& f) {
      EXPECT_EQ(f.error.code, Errc::config);
      return f.error.where;
    }
    return "accepted";
  };
  EXPECT_EQ(where({{"host", "localhost"}, {"tls", "none"}}), "accepted");
  EXPECT_EQ(where({{"host", "localhost"}, {"address", "127.0.0.1"}, {"tls", "none"}}), "accepted");
  for (const aoh::Json& imap :
       {aoh::Json{{"host", "mail.example"}, {"address", "127.0.0.1"}, {"tls", "none"}},
        aoh::Json{{"host", "localhost"}, {"address", "192.0.2.1"}, {"tls", "none"}},
        aoh::Json{{"host", "mail.example"}, {"tls", "none"}},
        aoh::Json{{"host", "mail.example"}, {"address", "127.0.0.1"}, {"tls", "starttls"}},
        aoh::Json{{"host", ".mail.example"}, {"tls", "implicit"}}})
    EXPECT_NE(where(imap).find("credential a: imap"), std::string::npos) << imap.dump();
}

TEST(TlsSettings, PinsAndTheClientsCertificateGoIntoBothServers) {
  const std::string pin = "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
  aoh::Json r{{"id", "a"},
              {"email", "a@x.example"},
              {"imap", aoh::Json{{"host", "postfach.bücher.example"}}},
              {"smtp", aoh::Json{{"host", "mail.example"}}},
              {"client_certificate", "/etc/client.pem"}};
  aoh::Json pins = aoh::Json::array();
  pins.push(pin);
  r.set("pinned_keys", std::move(pins));
  const Account a = account_from(r);
  for (const net::Endpoint* e : {&*a.imap, &*a.smtp}) {
    EXPECT_EQ(e->pinned_keys, std::vector<std::string>{pin});
    EXPECT_EQ(e->client_certificate, "/etc/client.pem");
  }
  EXPECT_EQ(a.imap->dns_name(), "postfach.xn--bcher-kva.example");
  pins = aoh::Json::array();
  pins.push("sha256/short");
  r.set("pinned_keys", std::move(pins));
  EXPECT_THROW(account_from(r), Failure);
}

}  // namespace
}  // namespace mailroom::host
