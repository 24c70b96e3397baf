#include "auth/mechanism.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "auth/base64.hpp"
#include "auth/choose.hpp"
#include "auth/oauth_challenge.hpp"
#include "auth/words.hpp"

namespace mailroom::auth {
namespace {

Credentials someone() { return {"tim", aoh::Secret("tanstaaftanstaaf")}; }

TEST(Base64, RoundTripsTheVectorsOfRfc4648) {
  const std::pair<std::string, std::string> table[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain_text, encoded] : table) {
    EXPECT_EQ(base64(plain_text).reveal(), encoded);
    EXPECT_EQ(unbase64(encoded), plain_text);
  }
  for (const char* bad : {"Z", "Zg=", "Zg==Zg==", "Z===", "Zm9*", "=Zg=", "Zg= "})
    EXPECT_FALSE(unbase64(bad)) << bad;
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(unbase64(base64(all).reveal()), all);
}

TEST(Plain, SaysUserAndPasswordOnce) {
  const auto m = plain(someone());
  EXPECT_FALSE(m->judged());
  EXPECT_EQ(m->initial()->reveal(), std::string_view("\0tim\0tanstaaftanstaaf", 21));  // RFC 4616 §4
  EXPECT_TRUE(m->judged());
  EXPECT_THROW(m->step(""), Failure);
}

TEST(Login, AnswersTwoPromptsInTheirOrder) {
  const auto m = login(someone());
  EXPECT_FALSE(m->initial());
  EXPECT_EQ(m->step("Username:").reveal(), "tim");
  EXPECT_EQ(m->step("Password:").reveal(), "tanstaaftanstaaf");
  EXPECT_THROW(m->step("And?"), Failure);
}

TEST(CramMd5, AnswersTheChallengeOfItsRfc) {
  const auto m = cram_md5(someone());
  EXPECT_FALSE(m->initial());
  // RFC 2195 §2
  EXPECT_EQ(m->step("<1896.697170952@postoffice.reston.mci.net>").reveal(),
            "tim b913a602c7eda7a495b4e6e7334d3890");
  EXPECT_TRUE(m->judged());
  EXPECT_THROW(m->step("<1@x>"), Failure);
  EXPECT_THROW(cram_md5(someone())->step(""), Failure);
}

Credentials bearer() {
  return {"user@example.com", {}, aoh::Secret("vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==")};
}

TEST(Xoauth2, SaysUserAndTokenAndAnEmptyLineToARefusal) {
  const auto m = xoauth2(bearer());
  EXPECT_EQ(m->initial()->reveal(),
            "user=user@example.com\x01"
            "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01");
  EXPECT_NO_THROW(m->succeeded());
  EXPECT_EQ(m->step(R"({"status":"401","schemes":"bearer","scope":"https://mail.google.com/"})").reveal(),
            "");
  EXPECT_EQ(m->said(), "status 401, scope https://mail.google.com/, schemes bearer");
  EXPECT_THROW(m->succeeded(), Failure);
  EXPECT_THROW(m->step("{}"), Failure);
}

TEST(Oauthbearer, SaysItAsItsRfcHasItAndAControlAToARefusal) {
  const auto m = oauthbearer(bearer(), {{}, {}, {}, "server.example.com", 143});
  EXPECT_EQ(m->initial()->reveal(),  // RFC 7628 §4.1
            "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01"
            "auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01");
  EXPECT_EQ(m->step(R"({"status":"invalid_token","scope":"example_scope",
                        "openid-configuration":"https://example.com/.well-known/openid-configuration"})")
                .reveal(),
            "\x01");
  EXPECT_EQ(m->said(),
            "status invalid_token, scope example_scope, openid-configuration "
            "https://example.com/.well-known/openid-configuration");
  EXPECT_THROW(m->succeeded(), Failure);
  EXPECT_THROW(m->step("{}"), Failure);
  const auto odd = oauthbearer({"a,b=c", {}, aoh::Secret("t")}, {});
  EXPECT_EQ(odd->initial()->reveal(),
            "n,a=a=2Cb=3Dc,\x01"
            "auth=Bearer t\x01\x01");
}

TEST(OauthWords, WhateverTheChallengeIs) {
  EXPECT_EQ(oauth_words(""), "");
  EXPECT_EQ(oauth_words("no json\r\n* OK"), "no json??* OK");
  EXPECT_EQ(oauth_words("[1]"), "[1]");
  EXPECT_EQ(oauth_words(R"({"status":400,"scope":{"a":1}})"), "status 400");
  EXPECT_EQ(oauth_words(std::string(100'000, '[')).size(), 512u);
}

std::string names(std::vector<std::string> offered, const Credentials& who, const Circumstances& where = {}) {
  std::string out;
  for (const auto& m : usable(offered, who, where)) out += (out.empty() ? "" : " ") + std::string(m->name());
  return out;
}

TEST(Choose, TheStrongestThatIsOfferedComesFirst) {
  const Circumstances tls13{"n0nce", "exported", "digest"}, tls12{"n0nce", "", "digest"},
      bare{"n0nce", "", ""};
  const std::vector<std::string> all = {
      "LOGIN",  "PLAIN",         "CRAM-MD5",           "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS",
      "GSSAPI", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "XOAUTH2",     "OAUTHBEARER"};
  EXPECT_EQ(
      names(all, someone(), tls13),
      "SCRAM-SHA-256-PLUS SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-1 "
      "PLAIN LOGIN");
  EXPECT_EQ(names(all, someone(), tls12),
            "SCRAM-SHA-256-PLUS SCRAM-SHA-256 SCRAM-SHA-1-PLUS SCRAM-SHA-1 PLAIN LOGIN");
  EXPECT_EQ(names(all, someone(), bare), "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN");
  EXPECT_EQ(names(all, someone()), "PLAIN LOGIN") << "no nonce, no SCRAM";
  EXPECT_EQ(names({"login", "plain"}, someone()), "PLAIN LOGIN");
  EXPECT_EQ(names({"Login", "CRAM-MD5"}, someone()), "LOGIN");
  EXPECT_EQ(names({"GSSAPI", "PLAINER", "CRAM-MD5", "XOAUTH2"}, someone(), bare), "");
  EXPECT_EQ(names(all, bearer(), tls13), "OAUTHBEARER XOAUTH2")
      << "a token, and nothing else of the account's";
  EXPECT_EQ(names({"PLAIN", "xoauth2"}, bearer()), "XOAUTH2");
  EXPECT_EQ(names({"PLAIN", "LOGIN"}, bearer()), "");
}

TEST(Choose, TheCredentialMayNameTheOnlyOnes) {
  const auto only = [](std::vector<std::string> mechanisms, Credentials who = someone()) {
    who.mechanisms = std::move(mechanisms);
    return names({"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "XOAUTH2"}, who, {"n0nce", "", ""});
  };
  EXPECT_EQ(only({"CRAM-MD5"}), "CRAM-MD5");
  EXPECT_EQ(only({"LOGIN", "CRAM-MD5"}), "CRAM-MD5 LOGIN");
  EXPECT_EQ(only({"SCRAM-SHA-256-PLUS"}), "");
  EXPECT_EQ(only({"XOAUTH2"}), "");
  EXPECT_EQ(only({"XOAUTH2"}, bearer()), "XOAUTH2");
  EXPECT_EQ(only({"PLAIN"}, bearer()), "");
}

TEST(Choose, SaysWhyThereIsNoWay) {
  Credentials scram = someone();
  scram.mechanisms = {"SCRAM-SHA-256"};
  const std::vector<std::string> tokens = {"XOAUTH2"}, plain = {"PLAIN"}, other = {"GSSAPI"};
  EXPECT_EQ(no_way("IMAP", other, someone()).what,
            "the IMAP server offers no way to sign in with a password");
  EXPECT_NE(no_way("IMAP", tokens, someone()).cure.find("oauth2"), std::string::npos);
  EXPECT_NE(no_way("SMTP", plain, scram).cure.find("sasl"), std::string::npos);
  EXPECT_EQ(no_way("SMTP", plain, bearer()).what,
            "the SMTP server offers no way to sign in with an access token");
  EXPECT_EQ(no_way("SMTP", plain, bearer()).server, "AUTH PLAIN");
}

TEST(Check, RefusesWhatNoMechanismCanSend) {
  EXPECT_NO_THROW(check(someone()));
  EXPECT_THROW(check({"", aoh::Secret("x")}), Failure);
  EXPECT_THROW(check({std::string("a\0b", 3), aoh::Secret("x")}), Failure);
  EXPECT_THROW(check({"a", aoh::Secret(std::string("x\0", 2))}), Failure);
  EXPECT_THROW(check({std::string(1025, 'a'), aoh::Secret("x")}), Failure);
  EXPECT_THROW(check({"a", aoh::Secret(std::string(8193, 'x'))}), Failure);
  EXPECT_NO_THROW(check({"a", {}, aoh::Secret("ya29.A0-_~+/=")}));
  for (const char* token : {"a b", "a\x01b", "a\r\nb", "t\xC3\xB6ken"})
    EXPECT_THROW(check({"a", {}, aoh::Secret(token)}), Failure) << token;
  EXPECT_THROW(check({"a", {}, aoh::Secret(std::string(16385, 'x'))}), Failure);
  EXPECT_THROW(check({"a\x01", {}, aoh::Secret("t")}), Failure);
}

TEST(WithoutSecrets, WordsThatRepeatTheSignInAreWithheld) {
  const Credentials who{"tim", aoh::Secret("ab\"cd-tanstaaf")};
  const std::string message = std::string("\0tim\0", 5) + "ab\"cd-tanstaaf";
  for (const std::string& said :
       {std::string("535 not ab\"cd-tanstaaf"), std::string("BAD LOGIN tim \"ab\\\"cd-tanstaaf\""),
        "500 what is AUTH PLAIN " + std::string(base64(message).reveal()),
        "500 what is " + std::string(base64("ab\"cd-tanstaaf").reveal()),
        ("500 cut: " + std::string(base64(message).reveal())).substr(0, 24)})
    EXPECT_EQ(without_secrets(said, who), "(withheld: it repeats the sign-in)") << said;
  EXPECT_EQ(without_secrets("535 5.7.8 tim: wrong password", who), "535 5.7.8 tim: wrong password");
  // A token, in what carries it: whole, in the middle, at the end.
  const Credentials with = bearer();
  const std::string token(with.token.reveal());
  const std::string sent(base64(xoauth2(with)->initial()->reveal()).reveal());
  const std::string sent7628(base64(oauthbearer(with, {})->initial()->reveal()).reveal());
  for (const std::string& said : {token, sent, sent7628, token.substr(9, 20), sent.substr(40, 40),
                                  sent.substr(sent.size() / 2), sent7628.substr(sent7628.size() / 2)})
    EXPECT_EQ(without_secrets("BAD what is " + said, with), "(withheld: it repeats the sign-in)") << said;
  EXPECT_EQ(without_secrets("NO user@example.com: token expired", with),
            "NO user@example.com: token expired");
  EXPECT_EQ(without_secrets("a pw to tell", {"tim", aoh::Secret("pw")}), "a pw to tell");
}

TEST(SaysLater, WhatThrottlingServersSay) {
  for (const char* words :
       {"Too many login attempts, please try again later",
        "[ALERT] Too many simultaneous connections. (Failure)",
        "[ALERT] Account exceeded command or bandwidth limits. (Failure)", "LOGIN Rate limit hit",
        "4.7.0 Temporary authentication failure", "Error: authentication failed, system busy",
        "Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)"})
    EXPECT_TRUE(says_later(words)) << words;
  for (const char* words :
       {"5.7.8 Error: authentication failed", "Invalid credentials (Failure)", "[AUTHENTICATIONFAILED]",
        "Login fail. Account is abnormal, service is not open, password is incorrect, login frequency "
        "limited, or "
        "system is busy."})
    EXPECT_FALSE(says_later(words)) << words;
}

TEST(CureFor, WhatTheWordsTell) {
  const auto cure = [](const char* words) { return cure_for(words, someone()); };
  EXPECT_NE(cure("550 5.7.30 Basic authentication is not supported for Client Submission").find("oauth2"),
            std::string::npos);
  EXPECT_NE(cure("[ALERT] Application-specific password required").find("app password"), std::string::npos);
  EXPECT_NE(cure("550 User has no permission").find("authorisation code"), std::string::npos);
  EXPECT_NE(cure("no").find("Check user name"), std::string::npos);
  EXPECT_NE(cure_for("no", bearer()).find("credential authorize"), std::string::npos);
}

}  // namespace
}  // namespace mailroom::auth
