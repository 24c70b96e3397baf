// Hot reload of the rules file.
#include "triggers/rules_store.hpp"

#include <cstdlib>
#include <fstream>

#include "fixture.hpp"

namespace aoh::host {
namespace {

using testing::HasSubstr;

const char* const kGood = "rules:\n  - {name: a, match: {larger: 1}, do: {ignore: true}}\n";

class RulesStoreTest : public TriggerTest {
 protected:
  void write(const std::string& text) {  // another file each time, as an editor leaves one
    std::ofstream(dir_ / "new") << text;
    std::filesystem::rename(dir_ / "new", dir_ / "rules.yaml");
  }
  RulesStore store() {
    return {sql_, dir_ / "rules.yaml", [this](int, std::string_view text) { said = text; }};
  }
  bool refresh(RulesStore& s, const std::vector<std::string>& blueprints = {"b"}) {
    static const Manifest manifest =
        Manifest::load(std::string(std::getenv("MAILROOM_SOURCE_DIR")) + "/manifests/email.json");
    return s.refresh([] { return Catalog::of({&manifest}); }, blueprints, 1);
  }
  static std::string first(const RulesStore& s) { return s.in_force().rules.at(0)["name"].str(); }

  std::string said;
};

TEST_F(RulesStoreTest, ComesChangesAndGoes) {
  RulesStore s = store();
  EXPECT_FALSE(refresh(s));
  write(kGood);
  EXPECT_TRUE(refresh(s));
  EXPECT_EQ(first(s), "a");
  EXPECT_EQ(s.in_force().source, "email");
  EXPECT_FALSE(refresh(s)) << "nothing changed";
  write("rules:\n  - {name: b, do: {start: b}}\n");
  EXPECT_TRUE(refresh(s));
  EXPECT_EQ(first(s), "b");
  std::filesystem::remove(dir_ / "rules.yaml");
  EXPECT_TRUE(refresh(s));
  EXPECT_TRUE(s.in_force().rules.empty());
}

TEST_F(RulesStoreTest, WhatIsBrokenKeepsTheOldRulesAlsoOverARestart) {
  RulesStore s = store();
  write(kGood);
  ASSERT_TRUE(refresh(s));
  const std::pair<const char*, const char*> broken[] = {
      {"rules:\n  - {name: b, mach: {}, do: {ignore: true}}\n", "rules.yaml:2:15: "},
      {"rules: [", "rules.yaml:"},
      {"", "rules.yaml:"},
      {"rules:\n  - {name: b, do: {start: c}}\n", "no blueprint \"c\""},
      {"rules:\n  - {name: b, do: {move: Archive}}\n", "the rule \"b\" wants move"},
  };
  for (const auto& [text, what] : broken) {
    write(text);
    EXPECT_FALSE(refresh(s)) << text;
    EXPECT_EQ(first(s), "a");
    EXPECT_THAT(said, HasSubstr("the old rules stay in force"));
    EXPECT_THAT(said, HasSubstr(what));
  }
  RulesStore after = store();
  EXPECT_TRUE(refresh(after));
  EXPECT_EQ(first(after), "a");
  write("rules: []\n");
  EXPECT_TRUE(refresh(after));
  EXPECT_TRUE(after.in_force().rules.empty());
}

TEST_F(RulesStoreTest, ABlueprintThatComesMendsTheRuleThatStartsIt) {
  RulesStore s = store();
  write("rules:\n  - {name: b, do: {start: later}}\n");
  EXPECT_FALSE(refresh(s));
  EXPECT_TRUE(refresh(s, {"b", "later"}));
  EXPECT_EQ(first(s), "b");
}

}  // namespace
}  // namespace aoh::host
