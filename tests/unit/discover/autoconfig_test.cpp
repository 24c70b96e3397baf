#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.hpp"
#include "discover/autoconfig.hpp"

namespace mailroom::discover {
namespace {

std::string document(const std::string& inside) {
  return "<?xml version=\"1.0\"?>\n<clientConfig version=\"1.1\"><emailProvider id=\"example.org\">" +
         inside + "</emailProvider></clientConfig>";
}
std::string server(const std::string& element, const std::string& type, const std::string& host, int port,
                   const std::string& socket, const std::string& more = "") {
  return "<" + element + " type=\"" + type + "\"><hostname>" + host + "</hostname><port>" +
         std::to_string(port) + "</port><socketType>" + socket + "</socketType>" + more + "</" + element +
         ">";
}

TEST(Autoconfig, TlsFromTheFirstByteGoesFirst) {
  const Found f = from_autoconfig(
      document(
          server("incomingServer", "pop3", "pop.example.org", 995, "SSL") +
          server("incomingServer", "imap", "mail.example.org", 143, "STARTTLS") +
          server("incomingServer", "imap", " mail.example.org\n", 993, "SSL",
                 "<username>%EMAILLOCALPART%</username><authentication>password-cleartext</authentication>") +
          server("outgoingServer", "smtp", "smtp.%EMAILDOMAIN%", 587, "STARTTLS")),
      "ada@example.org");
  ASSERT_TRUE(f.imap && f.smtp);
  EXPECT_EQ(f.imap->where(), "mail.example.org:993");
  EXPECT_EQ(f.imap->tls, net::TlsMode::implicit);
  EXPECT_EQ(f.smtp->where(), "smtp.example.org:587");
  EXPECT_EQ(f.username, "ada");
  EXPECT_TRUE(f.password);
  EXPECT_FALSE(f.oauth2);
}

TEST(Autoconfig, NothingWithoutTls) {
  EXPECT_TRUE(from_autoconfig(document(server("incomingServer", "imap", "mail.example.org", 143, "plain") +
                                       server("outgoingServer", "smtp", "mail.example.org", 25, "")),
                              "a@example.org")
                  .empty());
}

TEST(Autoconfig, OAuth2IsTold) {
  const Found f = from_autoconfig(document(server("incomingServer", "imap", "m.example.org", 993, "SSL",
                                                  "<authentication>OAuth2</authentication>")),
                                  "a@example.org");
  EXPECT_TRUE(f.oauth2);
  EXPECT_FALSE(f.password);
}

TEST(Autoconfig, HostileDocumentsGiveNothing) {
  const std::string bad[] = {"", "<html><body>404</body></html>", "<clientConfig>", std::string(300'000, '<'),
                             "<!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><x>&b;</x>"};
  for (const std::string& xml : bad)
    EXPECT_THROW(from_autoconfig(xml, "a@example.org"), Failure) << xml.substr(0, 40);
  for (const char* host : {"", "bad host", "a\r\nb.example", "x&#10;y.example", "&amp;h;", "x..example"})
    EXPECT_TRUE(from_autoconfig(document(server("incomingServer", "imap", host, 993, "SSL")), "a@example.org")
                    .empty())
        << host;
  for (const int port : {0, -1, 65536, 2'000'000'000})
    EXPECT_TRUE(from_autoconfig(document(server("incomingServer", "imap", "m.example.org", port, "SSL")),
                                "a@example.org")
                    .empty());
  const std::string entity = "<!DOCTYPE clientConfig [<!ENTITY h SYSTEM \"file:///etc/passwd\">]>" +
                             document(server("incomingServer", "imap", "&h;", 993, "SSL"));
  try {
    EXPECT_TRUE(from_autoconfig(entity, "a@example.org").empty());
  } catch (const Failure&) {
  }
  std::string deep;
  for (int i = 0; i < 20'000; ++i) deep += "<a>";
  EXPECT_THROW(from_autoconfig(deep, "a@example.org"), Failure);
}

TEST(Autoconfig, TheAddressGoesToItsOwnDomainOnly) {
  const auto urls = autoconfig_urls("a+b@example.org", "example.org");
  ASSERT_EQ(urls.size(), 3u);
  EXPECT_EQ(urls[0], "https://autoconfig.example.org/mail/config-v1.1.xml?emailaddress=a%2Bb%40example.org");
  EXPECT_EQ(urls[2].find("a%2Bb"), std::string::npos);
}

}  // namespace
}  // namespace mailroom::discover
