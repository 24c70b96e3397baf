#include "host/oauth_settings.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "host/providers.hpp"

namespace mailroom::host {
namespace {

aoh::Json record(aoh::Json oauth) {
  return aoh::Json{{"id", "work"}, {"email", "ada@example.org"}, {"oauth", std::move(oauth)}};
}

aoh::Json preset(std::string_view name) {
  for (const Preset& p : presets())
    if (p.name == name) return p.oauth;
  return {};
}

/// The message of the refusal; empty: none.
std::string refusal(const aoh::Json& r, const aoh::Json& known = {}) {
  try {
    (void)oauth_settings_from(r, known);
    return {};
  } catch (const Failure& f) {
    EXPECT_EQ(f.error.code, Errc::config);
    return f.error.line();
  }
}

TEST(OAuthSettings, GmailNeedsAClientIdOnly) {
  const OAuthSettings s = oauth_settings_from(record({{"client_id", "app"}}), preset("gmail"));
  EXPECT_EQ(s.grant, Grant::authorization_code);
  EXPECT_EQ(s.token_endpoint, "https://oauth2.googleapis.com/token");
  EXPECT_EQ(s.scopes, std::vector<std::string>{"https://mail.google.com/"});
  EXPECT_EQ(s.redirect_uri, "http://127.0.0.1");
  EXPECT_EQ(s.subject, "ada@example.org");
}

TEST(OAuthSettings, MicrosoftsTenantIsFilledIn) {
  const aoh::Json ms = preset("microsoft365");
  EXPECT_EQ(oauth_settings_from(record({{"client_id", "app"}}), ms).token_endpoint,
            "https://login.microsoftonline.com/common/oauth2/v2.0/token");
  const OAuthSettings s = oauth_settings_from(
      record({{"client_id", "app"}, {"grant", "client_credentials"}, {"tenant", "contoso.example"}}), ms);
  EXPECT_EQ(s.token_endpoint, "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token");
  EXPECT_EQ(s.scopes, std::vector<std::string>{"https://outlook.office365.com/.default"});
  for (const char* bad : {"..", "a/b", "evil.example/x#", "a b", "%2e%2e"})
    EXPECT_NE(refusal(record({{"client_id", "app"}, {"tenant", bad}}), ms).find("oauth.tenant"),
              std::string::npos)
        << bad;
}

TEST(OAuthSettings, TheRecordCountsForMore) {
  const OAuthSettings s = oauth_settings_from(
      record(aoh::Json::parse(
          R"({"client_id": "app", "token_endpoint": "https://own.example/t", "scopes": ["a", "b"]})")),
      preset("gmail"));
  EXPECT_EQ(s.token_endpoint, "https://own.example/t");
  EXPECT_EQ(s.scopes, (std::vector<std::string>{"a", "b"}));
}

TEST(OAuthSettings, PlaintextOnLoopbackOnlyAndOnlyWhereAllowed) {
  aoh::Json r = record({{"client_id", "app"},
                        {"grant", "client_credentials"},
                        {"token_endpoint", "http://127.0.0.1:8080/token"}});
  EXPECT_NE(refusal(r).find("requires TLS"), std::string::npos);
  r.set("require_tls", false);
  EXPECT_EQ(refusal(r), "");
  r.slot("oauth").set("token_endpoint", "http://idp.example/token");
  EXPECT_NE(refusal(r).find("loopback"), std::string::npos);
}

TEST(OAuthSettings, EachRefusalNamesItsField) {
  const aoh::Json gmail = preset("gmail");
  const std::pair<aoh::Json, const char*> cases[] = {
      {{{"client_id", "app"}, {"grant", "password"}}, "oauth.grant"},
      {aoh::Json::object(), "oauth.client_id"},
      {aoh::Json::parse(R"({"client_id": "app", "scopes": ["two words"]})"), "oauth.scopes"},
      {{{"client_id", "app"}, {"redirect_uri", "http://evil.example"}}, "oauth.redirect_uri"},
      {{{"client_id", "app"}, {"redirect_uri", "https://127.0.0.1"}}, "oauth.redirect_uri"},
      {{{"client_id", "app"}, {"token_endpoint", "ftp://x"}}, "oauth.token_endpoint"},
      {{{"client_id", "app"}, {"token_endpoint", "https://u@x/"}}, "oauth.token_endpoint"},
      {{{"client_id", "app"}, {"token_endpoint", "https://x/a\r\nHost: y"}}, "oauth.token_endpoint"},
      {{{"client_id", "app"}, {"authorization_endpoint", "https://x:0/"}}, "oauth.authorization_endpoint"}};
  for (const auto& [oauth, field] : cases)
    EXPECT_NE(refusal(record(oauth), gmail).find(field), std::string::npos) << oauth.dump();
  EXPECT_NE(refusal(record({{"client_id", "app"}})).find("oauth.token_endpoint"), std::string::npos);
  EXPECT_EQ(refusal(record({{"grant", "service_account"}}), gmail), "");
}

TEST(Url, IsTakenApart) {
  const Url u = parse_url("https://[::1]:8443/a?b=c", "f");
  EXPECT_EQ(u.host, "::1");
  EXPECT_EQ(u.port, 8443);
  EXPECT_EQ(u.target, "/a?b=c");
  EXPECT_EQ(u.host_field(), "[::1]:8443");
  EXPECT_EQ(parse_url("https://x.example?q", "f").target, "/?q");
  EXPECT_EQ(parse_url("http://x.example", "f").host_field(), "x.example");
}

}  // namespace
}  // namespace mailroom::host
