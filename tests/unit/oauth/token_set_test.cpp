#include "oauth/proto/token_set.hpp"

#include <gtest/gtest.h>

namespace mailroom::oauth {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

TokenSet set(std::int64_t obtained_s, std::int64_t life_s) {
  Tokens t;
  t.access = aoh::Secret("at");
  t.refresh = aoh::Secret("rt");
  t.life_s = life_s;
  return renewed({}, std::move(t), obtained_s * kSecond, "print");
}

TEST(TokenSet, ComesBackAsItWasSaved) {
  const TokenSet a = TokenSet::parse(set(100, 5).dump().reveal());
  EXPECT_EQ(a.access.reveal(), "at");
  EXPECT_EQ(a.refresh.reveal(), "rt");
  EXPECT_EQ(a.obtained_unix_ns, 100 * kSecond);
  EXPECT_EQ(a.expires_unix_ns, 105 * kSecond);
  EXPECT_EQ(a.settings, "print");
  for (const char* bad : {"", "{", "[]", "5", R"({"access_token":5,"expires_unix_ns":"x"})"}) {
    const TokenSet none = TokenSet::parse(bad);
    EXPECT_TRUE(none.access.empty() && none.refresh.empty()) << bad;
  }
}

TEST(TokenSet, LivesUntilItsEndUnlessTheClockWasSetBack) {
  const TokenSet s = set(100, 5);
  EXPECT_TRUE(s.live(104 * kSecond, "print"));
  EXPECT_FALSE(s.live(105 * kSecond, "print"));
  EXPECT_FALSE(s.live(99 * kSecond, "print"));
  EXPECT_FALSE(s.live(104 * kSecond, "another"));
}

TEST(TokenSet, IsDueInTheLastThirdAndAtMostFiveMinutesAhead) {
  EXPECT_FALSE(set(100, 6).due(103 * kSecond));
  EXPECT_TRUE(set(100, 6).due(104 * kSecond));
  EXPECT_FALSE(set(0, 3600).due(3299 * kSecond));
  EXPECT_TRUE(set(0, 3600).due(3300 * kSecond));
}

TEST(TokenSet, ARefreshTokenThatDoesNotComeStays) {
  Tokens t;
  t.access = aoh::Secret("at2");
  t.life_s = 5;
  EXPECT_EQ(renewed(set(0, 5), std::move(t), 10 * kSecond, "p").refresh.reveal(), "rt");
}

TEST(SettingsPrint, ChangesWithWhatATokenIsFor) {
  host::OAuthSettings a;
  a.client_id = "x";
  host::OAuthSettings b = a;
  EXPECT_EQ(settings_print(a), settings_print(b));
  b.scopes = {"mail"};
  EXPECT_NE(settings_print(a), settings_print(b));
}

TEST(SettingsPrint, ARefreshTokenIsForItsEndpointAndItsClientAlone) {
  host::OAuthSettings a;
  a.client_id = "x";
  a.token_endpoint = "https://one.example/token";
  host::OAuthSettings b = a;
  b.scopes = {"mail"};
  EXPECT_TRUE(refresh_belongs_to(settings_print(a), settings_print(b)));
  b.token_endpoint = "https://two.example/token";
  EXPECT_FALSE(refresh_belongs_to(settings_print(a), settings_print(b)));
  b = a;
  b.client_id = "y";
  EXPECT_FALSE(refresh_belongs_to(settings_print(a), settings_print(b)));
  EXPECT_FALSE(refresh_belongs_to("", settings_print(a)));
}

}  // namespace
}  // namespace mailroom::oauth
