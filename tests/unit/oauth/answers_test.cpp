#include "oauth/proto/answers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailroom::oauth {
namespace {

using Kind = Answer::Kind;
using ::testing::HasSubstr;
using ::testing::Not;

http::HttpResponse response(int status, std::string body,
                            std::vector<std::pair<std::string, std::string>> fields = {}) {
  http::HttpResponse r;
  r.status = status;
  r.body = std::move(body);
  r.fields = std::move(fields);
  return r;
}
Answer read(int status, std::string body, std::vector<std::pair<std::string, std::string>> fields = {}) {
  return read_tokens(response(status, std::move(body), std::move(fields)), "idp.example", {});
}

TEST(TokenAnswer, AreRead) {
  const Answer a =
      read(200, R"({"access_token":"at","token_type":"bearer","expires_in":5,"refresh_token":"rt"})");
  ASSERT_EQ(a.kind, Kind::tokens);
  EXPECT_EQ(a.tokens.access.reveal(), "at");
  EXPECT_EQ(a.tokens.refresh.reveal(), "rt");
  EXPECT_EQ(a.tokens.life_s, 5);
}

TEST(TokenAnswer, TheLifeIsBoundedWhateverIsSaid) {
  const std::pair<const char*, std::int64_t> cases[] = {{"\"3600\"", 3600},
                                                        {"0", 1},
                                                        {"-5", 1},
                                                        {"1e30", kAssumedLife},
                                                        {"null", kAssumedLife},
                                                        {"99999999999", kMostLife},
                                                        {"\"soon\"", kAssumedLife}};
  for (const auto& [said, life] : cases) {
    const Answer a = read(200, std::string(R"({"access_token":"at","expires_in":)") + said + "}");
    ASSERT_EQ(a.kind, Kind::tokens) << said;
    EXPECT_EQ(a.tokens.life_s, life) << said;
  }
}

TEST(TokenAnswer, WhatIsNoTokenIsNotUsed) {
  for (const char* bad :
       {"", "{", "[]", "{}", R"({"access_token":5})", R"({"access_token":""})", R"({"access_token":"a b"})",
        R"({"access_token":"a\u0001b"})", R"({"access_token":"a","token_type":"mac"})",
        R"({"access_token":"a","access_token":"b"})", R"({"access_token":"a","refresh_token":"r\r\n"})"}) {
    const Answer a = read(200, bad);
    EXPECT_EQ(a.kind, Kind::refused) << bad;
    EXPECT_EQ(a.error.code, Errc::protocol) << bad;
  }
  EXPECT_NE(read(200, R"({"access_token":")" + std::string(kMostToken + 1, 'x') + "\"}").kind, Kind::tokens);
  std::string deep(100, '[');
  EXPECT_NE(read(200, deep).kind, Kind::tokens);
}

TEST(TokenAnswer, RefusalsAreToldApart) {
  const std::tuple<int, const char*, Kind, Errc> cases[] = {
      {400, "invalid_grant", Kind::invalid_grant, Errc::auth},
      {401, "invalid_client", Kind::refused, Errc::auth},
      {400, "unauthorized_client", Kind::refused, Errc::auth},
      {400, "invalid_scope", Kind::refused, Errc::config},
      {400, "authorization_pending", Kind::pending, Errc::temporary},
      {400, "slow_down", Kind::slow_down, Errc::temporary},
      {400, "expired_token", Kind::refused, Errc::timeout},
      {400, "access_denied", Kind::refused, Errc::refused},
      {400, "temporarily_unavailable", Kind::later, Errc::temporary},
      {429, "invalid_grant", Kind::later, Errc::auth_throttled},
      {503, "invalid_grant", Kind::later, Errc::temporary},
      {302, "", Kind::refused, Errc::config},
      {400, "else", Kind::refused, Errc::refused}};
  for (const auto& [status, code, kind, errc] : cases) {
    const Answer a = read(status, std::string(R"({"error":")") + code + "\"}");
    EXPECT_EQ(a.kind, kind) << status << " " << code;
    EXPECT_EQ(a.error.code, errc) << status << " " << code;
  }
  EXPECT_EQ(read(502, "<html>").kind, Kind::later);
}

TEST(TokenAnswer, WordsThatRepeatASecretAreWithheld) {
  const std::string_view secrets[] = {"planted-secret"};
  const Answer a = read_tokens(
      response(401, R"({"error":"invalid_client","error_description":"no planted-secret here\u001b[2J"})"),
      "idp", secrets);
  EXPECT_THAT(a.error.line(), Not(HasSubstr("planted-secret")));
  const Answer b = read(401, R"({"error":"invalid_client","error_description":"wrong\u001b[2J"})");
  EXPECT_THAT(b.error.line(), HasSubstr("wrong?"));
}

TEST(RetryAfter, SecondsOrADateThatTheServersClockPlaces) {
  using std::chrono::seconds;
  EXPECT_EQ(read_retry_after("120", {}), seconds(120));
  EXPECT_EQ(read_retry_after("999999999", {}), kMostWait);
  EXPECT_EQ(read_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 - 30), seconds(30));
  EXPECT_EQ(read_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 + 30), seconds(0));
  for (const char* bad : {"", "-1", "1.5", "soon", "99999999999999999999"})
    EXPECT_FALSE(read_retry_after(bad, {})) << bad;
  const Answer a = read(
      429, "", {{"date", "Sun, 06 Nov 1994 08:49:00 GMT"}, {"retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"}});
  EXPECT_EQ(a.wait, seconds(37));
}

TEST(HttpDate, IsReadStrictly) {
  EXPECT_EQ(read_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
  for (const char* bad : {"Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 06 Nov 1994 24:49:37 GMT",
                          "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "Sunday"})
    EXPECT_FALSE(read_http_date(bad)) << bad;
}

TEST(DeviceCode, IsReadInBothSpellings) {
  const DeviceCode d = read_device_code(
      response(
          200,
          R"({"device_code":"dc","user_code":"AB-CD","verification_url":"https://x/d","expires_in":60})"),
      "idp", {});
  EXPECT_EQ(d.verification_uri, "https://x/d");
  EXPECT_EQ(d.interval_s, 5);
  EXPECT_EQ(d.life_s, 60);
  EXPECT_THROW(read_device_code(response(200, R"({"user_code":"x"})"), "idp", {}), Failure);
  EXPECT_THROW(read_device_code(response(400, R"({"error":"invalid_client"})"), "idp", {}), Failure);
}

}  // namespace
}  // namespace mailroom::oauth
