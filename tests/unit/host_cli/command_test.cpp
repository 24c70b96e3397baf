#include "cli/command.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/io.hpp"
#include "cli/verbs.hpp"

using aoh::host::CliError;
using aoh::host::Command;
using aoh::host::duration_ns;
using aoh::host::parse_command;
using aoh::host::UsageError;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

namespace {

Command parse(std::vector<std::string> arguments) { return parse_command(std::move(arguments), "/srv"); }

std::string refusal(std::vector<std::string> arguments) {
  try {
    parse(std::move(arguments));
    return "accepted";
  } catch (const UsageError& e) {
    EXPECT_FALSE(e.help);
    return e.what();
  }
}

TEST(Command, GlobalOptionsStandBeforeOrAfterTheVerb) {
  for (const auto& c : {parse({"--home", "h", "--json", "sessions", "list"}),
                        parse({"sessions", "list", "--json", "--home", "h"})}) {
    EXPECT_EQ(c.verb, "sessions list");
    EXPECT_EQ(c.home, "/srv/h");
    EXPECT_TRUE(c.json);
  }
}

TEST(Command, PathsAreSeenFromTheCallersFolder) {
  EXPECT_EQ(parse({"plugins", "trust", "modules/x.so"}).target, "/srv/modules/x.so");
  EXPECT_EQ(parse({"plugins", "check", "email"}).target, "email");
  EXPECT_EQ(parse({"blueprint", "add", "../b.yaml"}).target, "/b.yaml");
  EXPECT_EQ(parse({"call", "t", "@args.json"}).text, "@/srv/args.json");
  EXPECT_THAT(parse({"tools", "list", "--modules", "a", "--modules", "/b"}).modules,
              ElementsAre("/srv/a", "/b"));
}

TEST(Command, SecretsComeByFileOrInputAndNeverOnTheLine) {
  const auto c = parse({"credential", "add", "--secret-file", "password=pw", "--secret", "token=-"});
  EXPECT_THAT(c.secrets, ElementsAre(Pair("password", "/srv/pw"), Pair("token", "-")));
  const std::string said = refusal({"credential", "add", "--secret", "password=hunter2"});
  EXPECT_THAT(said, AllOf(HasSubstr("--secret-file"), Not(HasSubstr("hunter2"))));
}

TEST(Command, ACredentialIsNamedWithAndWithoutTheOption) {
  EXPECT_EQ(parse({"integration", "test", "me"}).credential, "me");
  EXPECT_EQ(parse({"integration", "test", "--credential", "me", "--type", "mail"}).credential, "me");
  EXPECT_THROW(parse({"integration", "test"}), UsageError);
}

TEST(Command, AWrongVerbNamesTheNearest) {
  EXPECT_THAT(refusal({"sesions", "list"}), HasSubstr("did you mean \"sessions\"?"));
  EXPECT_THAT(refusal({"sessions", "lst"}), HasSubstr("did you mean \"list\"?"));
  EXPECT_THAT(refusal({"outbox", "resolve", "x", "maybe"}), HasSubstr("sent"));
  EXPECT_THAT(refusal({"call"}), HasSubstr("TOOL"));
  EXPECT_THAT(refusal({"call", "t", "--timeout", "-1"}), HasSubstr("timeout"));
}

TEST(Command, HelpIsNoMistake) {
  try {
    parse({"call", "--help"});
    FAIL();
  } catch (const UsageError& e) {
    EXPECT_TRUE(e.help);
    EXPECT_THAT(e.what(), HasSubstr("--timeout"));
  }
}

TEST(Command, OptionsOfTheStartUpAreNamed) {
  EXPECT_EQ(parse({"tools", "list"}).start_up_option(), "");
  EXPECT_EQ(parse({"tools", "list", "--trace", "t"}).start_up_option(), "--trace");
  EXPECT_EQ(parse({"tools", "list", "--no-development"}).start_up_option(), "--no-development");
}

TEST(Duration, UnitsAddUpAndTheRestIsRefused) {
  EXPECT_EQ(duration_ns("24m59s"), 1499'000'000'000);
  EXPECT_EQ(duration_ns("2h"), 7200'000'000'000);
  EXPECT_EQ(duration_ns("1d1s"), 86'401'000'000'000);
  for (const char* bad : {"", "5", "s", "5x", "-5s", "0s", "5 s", "5ms", "99999999999999999999s", "1s2"})
    EXPECT_THROW(duration_ns(bad), CliError) << bad;
}

TEST(ErrorLine, IsOneLineWithoutControls) {
  EXPECT_EQ(aoh::host::error_line("a\nb\x1b[31m\tc\n"), "host-stub: a; b [31m c\n");
  EXPECT_EQ(aoh::host::error_line("\u009b31m \u202etxt \u00e9"), "host-stub:  31m  txt \u00e9\n");
}

}  // namespace
