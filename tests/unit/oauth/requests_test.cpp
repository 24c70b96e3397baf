#include "oauth/proto/requests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailroom::oauth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

host::OAuthSettings settings() {
  host::OAuthSettings s;
  s.client_id = "the app";
  s.authorization_endpoint = "https://idp.example/auth?x=1";
  s.scopes = {"mail", "offline_access"};
  return s;
}

TEST(Pkce, TheRfcsOwnExample) {
  // RFC 7636 appendix B.
  EXPECT_EQ(code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST(Base64Url, EveryLengthOfTail) {
  EXPECT_EQ(base64url(""), "");
  EXPECT_EQ(base64url("f"), "Zg");
  EXPECT_EQ(base64url("fo"), "Zm8");
  EXPECT_EQ(base64url("foo"), "Zm9v");
  EXPECT_EQ(base64url("\xff\xfe\xfd"), "__79");
}

TEST(Form, ComesBackAsItWentOut) {
  const std::string nasty("a b&c=d%+\xC3\xA9\r\n\0!", 15);
  const aoh::Secret text = form({{"one", nasty}, {"none", ""}, {"two", "2"}});
  EXPECT_EQ(text.reveal().find_first_of(" \r\n"), std::string::npos);
  std::vector<std::pair<std::string, std::string>> out;
  ASSERT_TRUE(read_form(text.reveal(), out));
  EXPECT_EQ(out, (std::vector<std::pair<std::string, std::string>>{{"one", nasty}, {"two", "2"}}));
}

TEST(Form, WhatCannotBeReadIsRefused) {
  for (const char* bad : {"a=%", "a=%4", "a=%zz", "a=1&a=2", "%=1"}) {
    std::vector<std::pair<std::string, std::string>> out;
    EXPECT_FALSE(read_form(bad, out)) << bad;
  }
  std::string many;
  for (int i = 0; i < 60; ++i) many += "&k" + std::to_string(i) + "=v";
  std::vector<std::pair<std::string, std::string>> out;
  EXPECT_FALSE(read_form(many, out));
}

TEST(AuthorizationUrl, HasPkceStateAndTheHint) {
  const std::string url =
      authorization_url(settings(), "http://127.0.0.1:5/", "st", "ch", "ada+x@example.org");
  EXPECT_THAT(url, HasSubstr("https://idp.example/auth?x=1&response_type=code&client_id=the%20app"));
  EXPECT_THAT(url, HasSubstr("redirect_uri=http%3A%2F%2F127.0.0.1%3A5%2F"));
  EXPECT_THAT(url,
              HasSubstr("scope=mail%20offline_access&state=st&code_challenge=ch&code_challenge_method=S256"));
  EXPECT_THAT(url, HasSubstr("login_hint=ada%2Bx%40example.org"));
}

TEST(TokenRequests, EachGrantHasItsOwnFieldsAndAPublicClientNoSecret) {
  const host::OAuthSettings s = settings();
  EXPECT_EQ(code_request(s, "", "c", "v", "http://127.0.0.1:5").reveal(),
            "grant_type=authorization_code&client_id=the%20app&code=c&code_verifier=v&redirect_uri=http%3A%"
            "2F%2F127."
            "0.0.1%3A5");
  EXPECT_EQ(refresh_request(s, "s&t", "r").reveal(),
            "grant_type=refresh_token&client_id=the%20app&client_secret=s%26t&refresh_token=r");
  EXPECT_EQ(client_credentials_request(s, "x").reveal(),
            "grant_type=client_credentials&client_id=the%20app&client_secret=x&scope=mail%20offline_access");
  EXPECT_THAT(std::string(device_token_request(s, "", "d").reveal()),
              HasSubstr("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"));
  EXPECT_THAT(std::string(assertion_request(s, "a.b.c").reveal()), HasSubstr("assertion=a.b.c"));
}

}  // namespace
}  // namespace mailroom::oauth
