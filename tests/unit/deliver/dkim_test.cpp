#include "deliver/dkim.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/error.hpp"

namespace mailroom::deliver {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// RFC 8463 appendix A: keys, message, and what both signatures must be. The RSA key is also that of RFC 6376
// appendix C.
constexpr const char* kEd25519 =
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n-----END "
    "PRIVATE "
    "KEY-----\n";
constexpr const char* kRsa = R"(-----BEGIN RSA PRIVATE KEY-----
MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi
Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM
KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB
AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm
6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe
zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy
6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc
uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy
WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd
WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a
licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst
o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe
uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL
-----END RSA PRIVATE KEY-----
)";
constexpr std::string_view kMessage =
    "From: Joe SixPack <joe@football.example.com>\r\n"
    "To: Suzie Q <suzie@shopping.example.net>\r\n"
    "Subject: Is dinner ready?\r\n"
    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
    "\r\n"
    "Hi.\r\n"
    "\r\n"
    "We lost the game.  Are you hungry yet?\r\n"
    "\r\n"
    "Joe.\r\n";

DkimKey key(const char* pem) { return DkimKey::from_pem(aoh::Secret(std::string(pem))); }

std::string standard_field(const char* algorithm, const char* selector) {
  return std::string("DKIM-Signature: v=1; a=") + algorithm +
         "; c=relaxed/relaxed;\r\n d=football.example.com; i=@football.example.com;\r\n q=dns/txt; s=" +
         selector +
         "; t=1528637909; h=from : to :\r\n subject : date : message-id : from : subject : date;\r\n"
         " bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n b=\r\n";
}

const std::vector<std::string> kNames{"from",       "to",   "subject", "date",
                                      "message-id", "from", "subject", "date"};

std::vector<RawField> fields_of(std::string_view message) {
  std::string_view body;
  return header_fields(message, body);
}

DkimOptions options(const char* selector = "brisbane") {
  DkimOptions o;
  o.domain = "football.example.com";
  o.selector = selector;
  return o;
}

/// The value of a tag, white space out.
std::string tag(const std::string& field, const std::string& name) {
  std::string flat;
  for (const char c : field)
    if (c != ' ' && c != '\r' && c != '\n') flat += c;
  flat.replace(0, std::string("DKIM-Signature:").size(), ";");
  const std::size_t at = flat.find(";" + name + "=");
  if (at == std::string::npos) return "none";
  const std::size_t begin = at + name.size() + 2;
  return flat.substr(begin, flat.find(';', begin) - begin);
}

TEST(Dkim, TheStandardsSignaturesComeOutOfTheStandardsKeys) {
  EXPECT_EQ(key(kEd25519).sign(dkim_signed_data(
                fields_of(kMessage), kNames, standard_field("ed25519-sha256", "brisbane"), Canon::relaxed)),
            "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==");
  EXPECT_EQ(key(kRsa).sign(dkim_signed_data(fields_of(kMessage), kNames, standard_field("rsa-sha256", "test"),
                                            Canon::relaxed)),
            "F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3DhCVlUrSjV4BwcVcOF6+"
            "FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeef"
            "Osk2JzdA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=");
  EXPECT_EQ(tag(dkim_signature(kMessage, key(kEd25519), options(), 1528637909), "bh"),
            "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
}

TEST(Dkim, TheRecordThatIsPublished) {
  EXPECT_EQ(key(kEd25519).dns_record(), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
  EXPECT_EQ(key(kRsa).dns_record(),
            "v=DKIM1; k=rsa; "
            "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY"
            "/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/"
            "8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kr"
            "yOTIKT+l/K4w3QIDAQAB");
  EXPECT_TRUE(key(kRsa).weak());
  EXPECT_FALSE(key(kEd25519).weak());
}

TEST(Dkim, WhatMustNotBeAddedIsNamedOnceMore) {
  const std::string field = dkim_signature(kMessage, key(kEd25519), options(), 1);
  EXPECT_EQ(tag(field, "h"), "from:from:subject:subject:date:date:message-id:to:to:cc");
  EXPECT_EQ(tag(field, "d"), "football.example.com");
  EXPECT_EQ(tag(field, "s"), "brisbane");
  EXPECT_EQ(tag(field, "t"), "1");
  EXPECT_EQ(tag(field, "x"), "none");
  DkimOptions o = options();
  o.expires_after_s = 60;
  EXPECT_EQ(tag(dkim_signature(kMessage, key(kEd25519), o, 1), "x"), "61");
}

TEST(Dkim, NoLineIsLongAndTheSameInputGivesTheSameField) {
  for (const char* pem : {kEd25519, kRsa}) {
    const std::string field = dkim_signature(kMessage, key(pem), options(), 1528637909);
    EXPECT_EQ(field, dkim_signature(kMessage, key(pem), options(), 1528637909));
    EXPECT_TRUE(field.ends_with("\r\n"));
    std::size_t longest = 0;
    for (std::size_t at = 0; at < field.size();) {
      const std::size_t end = field.find("\r\n", at);
      longest = std::max(longest, end - at);
      at = end + 2;
      if (at < field.size()) {
        EXPECT_EQ(field[at], ' ');
      }
    }
    EXPECT_LE(longest, 78u);
  }
}

TEST(Dkim, WhatCannotBeSignedIsRefused) {
  const DkimKey k = key(kEd25519);
  const auto refusal = [&](std::string_view message, const DkimOptions& o) -> std::string {
    try {
      (void)dkim_signature(message, k, o, 1);
    } catch (const Failure& f) {
      return f.error.line();
    }
    return "none";
  };
  EXPECT_THAT(refusal("To: x\r\n\r\n", options()), HasSubstr("exactly one From"));
  EXPECT_THAT(refusal("From: a\r\nFrom: b\r\n\r\n", options()), HasSubstr("exactly one From"));
  EXPECT_THAT(refusal("From: a\nTo: b\r\n\r\n", options()), HasSubstr("bare CR or LF"));
  for (const char* domain : {"", "a..b", ".a", "a.", "a b", "a;b=", "\xC3\xA4.example", "a\r\nX: y"}) {
    DkimOptions o = options();
    o.domain = domain;
    EXPECT_THAT(refusal(kMessage, o), HasSubstr("DNS name")) << domain;
    o = options(domain);
    EXPECT_THAT(refusal(kMessage, o), HasSubstr("DNS name")) << domain;
  }
}

TEST(Dkim, ABrokenKeyIsNamedAndNeverShown) {
  for (const char* pem :
       {"", "hunter2hunter2", "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n"}) {
    try {
      (void)key(pem);
      FAIL() << pem;
    } catch (const Failure& f) {
      EXPECT_EQ(f.error.code, Errc::config);
      EXPECT_THAT(f.error.line(), Not(HasSubstr("hunter2")));
      EXPECT_THAT(f.error.line(), HasSubstr("openssl genpkey"));
    }
  }
}

}  // namespace
}  // namespace mailroom::deliver
