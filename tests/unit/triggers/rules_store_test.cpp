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
    return {sql_, dir_ / "rules.yaml",
            [this](const RulesFile& file) {
              asked = file.rules.empty() ? "" : file.rules.at(0)["name"].str();
              return judgement;
            },
            [this](int, std::string_view text) { said = text; }};
  }
  // Until the file has been seen twice.
  bool refresh(RulesStore& s, const std::vector<std::string>& blueprints = {"b"}) {
    const bool at_once = look(s, blueprints);
    return look(s, blueprints) || at_once;
  }
  bool look(RulesStore& s, const std::vector<std::string>& blueprints = {"b"}) {
    static const Manifest manifest =
        Manifest::load(std::string(std::getenv("MAILROOM_SOURCE_DIR")) + "/manifests/email.json");
    return s.refresh([] { return Catalog::of({&manifest}); }, blueprints, 1);
  }
  static std::string first(const RulesStore& s) { return s.in_force().rules.at(0)["name"].str(); }

  std::string said, asked;
  RulesJudgement judgement;
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
      {"rules:\n  - {name: b, do: {move: Archive, quarantine: true}}\n", "keep one of them"},
      {"rules:\n  - {name: b, do: {flag: deleted}}\n", "rules.yaml:2:26: "},
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

TEST_F(RulesStoreTest, WhatTheModuleRefusesIsBrokenAlsoOverARestart) {
  RulesStore s = store();
  write(kGood);
  ASSERT_TRUE(refresh(s));
  write("rules:\n  - {name: b, match: {larger: 2}, do: {ignore: true}}\n");
  judgement = {RulesJudgement::Word::refused, "rules.0.match is too deep"};
  EXPECT_FALSE(refresh(s));
  EXPECT_EQ(asked, "b");
  EXPECT_EQ(first(s), "a");
  EXPECT_THAT(said, HasSubstr("the old rules stay in force: "));
  EXPECT_THAT(said, HasSubstr("rules.yaml: rules.0.match is too deep"));
  RulesStore after = store();
  EXPECT_TRUE(refresh(after));
  EXPECT_EQ(first(after), "a");
}

TEST_F(RulesStoreTest, AModuleThatCannotBeAskedYetIsAskedAgain) {
  write(kGood);
  RulesStore before = store();
  ASSERT_TRUE(refresh(before));
  write("rules:\n  - {name: b, match: {larger: 2}, do: {ignore: true}}\n");
  judgement = {RulesJudgement::Word::nobody, ""};
  RulesStore s = store();
  EXPECT_TRUE(refresh(s));
  EXPECT_EQ(first(s), "b") << "in force until somebody can tell";
  judgement = {RulesJudgement::Word::refused, "no"};
  EXPECT_TRUE(refresh(s));
  EXPECT_EQ(first(s), "a") << "the copy that was good has been kept";
  write("rules:\n  - {name: c, match: {larger: 2}, do: {ignore: true}}\n");
  judgement = {RulesJudgement::Word::nobody, ""};
  EXPECT_TRUE(refresh(s));
  judgement = {};
  EXPECT_FALSE(refresh(s));
  EXPECT_EQ(first(s), "c");
  asked.clear();
  EXPECT_FALSE(refresh(s));
  EXPECT_EQ(asked, "") << "once is enough";
  write("rules: [");
  RulesStore after = store();
  EXPECT_TRUE(refresh(after));
  EXPECT_EQ(first(after), "c");
}

TEST_F(RulesStoreTest, ABlueprintThatGoesLeavesTheRulesAlsoOverARestart) {
  RulesStore s = store();
  write("rules:\n  - {name: a, match: {larger: 1}, do: {ignore: true}}\n  - {name: b, do: {start: going}}\n");
  ASSERT_TRUE(refresh(s, {"b", "going"}));
  EXPECT_FALSE(refresh(s, {"b"}));
  EXPECT_EQ(s.in_force().rules.size(), 2u);
  RulesStore after = store();
  EXPECT_TRUE(refresh(after, {"b"}));
  EXPECT_THAT(said, HasSubstr("2 rules are in force"));
  EXPECT_EQ(first(after), "a");
}

TEST_F(RulesStoreTest, WhatTheStoreDoesNotTakeIsTriedAgain) {
  RulesStore s = store();
  write(kGood);
  faults::configure("store.begin~rules=fail");
  EXPECT_THROW(refresh(s), faults::Injected);
  EXPECT_TRUE(look(s)) << "still the first look";
  write("rules:\n  - {name: b, do: {start: b}}\n");
  faults::configure("store.begin~rules=fail");
  EXPECT_THROW(refresh(s), faults::Injected);
  EXPECT_EQ(first(s), "a");
  EXPECT_TRUE(look(s));
  EXPECT_EQ(first(s), "b");
  std::filesystem::remove(dir_ / "rules.yaml");
  faults::configure("store.begin~rules=fail");
  EXPECT_THROW(refresh(s), faults::Injected);
  EXPECT_TRUE(look(s));
  EXPECT_TRUE(s.in_force().rules.empty());
}

TEST_F(RulesStoreTest, AFileThatCannotBeLookedAtIsNotAMissingOne) {
  write(kGood);
  RulesStore s = store();
  ASSERT_TRUE(refresh(s));
  std::filesystem::remove(dir_ / "rules.yaml");
  std::filesystem::create_symlink("rules.yaml", dir_ / "rules.yaml");  // ELOOP
  EXPECT_FALSE(refresh(s));
  EXPECT_EQ(first(s), "a");
  EXPECT_THAT(said, HasSubstr("the old rules stay in force"));
  said.clear();
  EXPECT_FALSE(refresh(s));
  EXPECT_EQ(said, "") << "once is enough";
  RulesStore after = store();
  EXPECT_TRUE(refresh(after));
  EXPECT_EQ(first(after), "a");
}

TEST_F(RulesStoreTest, AChangeCountsWhenTwoLooksAgree) {
  write(kGood);
  RulesStore s = store();
  ASSERT_TRUE(look(s)) << "the first at once";
  std::filesystem::remove(dir_ / "rules.yaml");
  EXPECT_FALSE(look(s));
  write("rules:\n  - {name: b, do: {start: b}}\n");
  EXPECT_FALSE(look(s));
  EXPECT_EQ(first(s), "a") << "neither dropped nor read half";
  EXPECT_TRUE(look(s));
  EXPECT_EQ(first(s), "b");
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
