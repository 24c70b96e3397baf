#include "auth/mechanism.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "auth/base64.hpp"

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
  EXPECT_EQ(m->initial()->reveal(), std::string_view("\0tim\0tanstaaftanstaaf", 21));  // RFC 4616 §4
  EXPECT_THROW(m->step(""), Failure);
  const auto asked = plain(someone());
  EXPECT_EQ(asked->step("").reveal().size(), 21u);
  EXPECT_THROW(asked->step(""), Failure);
  EXPECT_THROW(plain(someone())->step("what?"), Failure);
}

TEST(Login, AnswersTwoPromptsInTheirOrder) {
  const auto m = login(someone());
  EXPECT_FALSE(m->initial());
  EXPECT_EQ(m->step("Username:").reveal(), "tim");
  EXPECT_EQ(m->step("Password:").reveal(), "tanstaaftanstaaf");
  EXPECT_THROW(m->step("And?"), Failure);
}

TEST(Choose, TakesTheStrongestThatIsOffered) {
  const auto name = [](std::vector<std::string> offered) {
    const auto m = choose(offered, someone());
    return m ? std::string(m->name()) : std::string();
  };
  EXPECT_EQ(name({"LOGIN", "XOAUTH2", "plain"}), "PLAIN");
  EXPECT_EQ(name({"Login"}), "LOGIN");
  EXPECT_EQ(name({"GSSAPI", "PLAINER"}), "");
  EXPECT_EQ(name({}), "");
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
  EXPECT_EQ(without_secrets("a pw to tell", {"tim", aoh::Secret("pw")}), "a pw to tell");
}

}  // namespace
}  // namespace mailroom::auth
