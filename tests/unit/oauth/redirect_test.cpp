#include "oauth/proto/redirect.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailroom::oauth {
namespace {

using Kind = Redirect::Kind;
using ::testing::HasSubstr;
using ::testing::Not;

Redirect read(const std::string& target) {
  return read_redirect("GET " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n", "/", "right");
}

TEST(Redirect, TheCodeCountsWithTheRightStateOnly) {
  const Redirect good = read("/?code=a%2Bb&state=right");
  ASSERT_EQ(good.kind, Kind::code);
  EXPECT_EQ(good.code.reveal(), "a+b");
  for (const char* bad : {"/?code=c&state=wrong", "/?code=c", "/?code=c&state=", "/?code=c&state=rightx",
                          "/?error=access_denied&state=wrong", "/?code=c&state=right&state=right"}) {
    const Redirect r = read(bad);
    EXPECT_EQ(r.kind, Kind::foreign) << bad;
    EXPECT_TRUE(r.code.empty()) << bad;
  }
}

TEST(Redirect, ADeniedConsentIsSaidAsSuch) {
  const Redirect r = read("/?error=access_denied&error_description=no%1b%5b2J&state=right");
  ASSERT_EQ(r.kind, Kind::refused);
  EXPECT_THAT(r.error.line(), HasSubstr("consent was denied"));
  EXPECT_THAT(r.error.line(), Not(HasSubstr("\x1b")));
}

TEST(Redirect, WhatIsNotTheWayBackIsLetPass) {
  for (const char* other : {"/favicon.ico", "/", "/other?code=c&state=right", "/?x=1"})
    EXPECT_EQ(read(other).kind, Kind::other) << other;
  EXPECT_EQ(read_redirect("POST /?code=c&state=right HTTP/1.1\r\n", "/", "right").kind, Kind::other);
  EXPECT_EQ(read_redirect("\x16\x03\x01", "/", "right").kind, Kind::other);
  EXPECT_EQ(read_redirect("", "/", "right").kind, Kind::other);
}

TEST(Redirect, AnotherHostIsNotThisMachine) {
  const auto with = [](const std::string& hosts) {
    return read_redirect("GET /?code=c&state=right HTTP/1.1\r\nAccept: */*\r\n" + hosts + "\r\n", "/",
                         "right")
        .kind;
  };
  for (const char* good : {"Host: 127.0.0.1:4711\r\n", "host:localhost:1 \r\n", "HOST:\tLOCALHOST\r\n"})
    EXPECT_EQ(with(good), Kind::code) << good;
  for (const char* bad :
       {"", "Host:\r\n", "Host: evil.example\r\n", "Host: evil.example:4711\r\n",
        "Host: 127.0.0.1.evil.example\r\n", "X-Host: 127.0.0.1\r\n",
        "Host: 127.0.0.1\r\nHost: evil.example\r\n", "Host: evil.example\r\nHost: localhost\r\n"})
    EXPECT_EQ(with(bad), Kind::other) << bad;
}

TEST(Page, SaysWhatHappenedAndNothingOfTheRequest) {
  const Redirect r = read("/?error=%3Cscript%3E&state=right");
  EXPECT_THAT(page(r), Not(HasSubstr("script")));
  EXPECT_THAT(page(read("/?code=planted&state=right")), HasSubstr("close this page"));
  EXPECT_THAT(page(read("/?code=planted&state=right")), Not(HasSubstr("planted")));
  EXPECT_THAT(page(read("/favicon.ico")), HasSubstr("404"));
}

}  // namespace
}  // namespace mailroom::oauth
