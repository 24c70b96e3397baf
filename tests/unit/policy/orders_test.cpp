// What rules that hit a message mean together.
#include "policy/orders.hpp"

#include <gmock/gmock.h>

#include "base/error.hpp"

namespace mailroom::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Json = aoh::Json;

/// Of rules named "0", "1", ... that do this, all hit.
Orders all_of(const std::vector<Json>& actions) {
  Json rules = Json::array();
  std::vector<std::size_t> hits;
  for (std::size_t i = 0; i < actions.size(); ++i) {
    rules.push({{"name", std::to_string(i)}, {"do", actions[i]}, {"continue", true}});
    hits.push_back(i);
  }
  return orders_of(Rules::compile(rules), hits);
}

std::string started(const Orders& o) {
  std::string out;
  for (const auto& s : o.starts) out += s.blueprint + " by " + s.rule + " ";
  return out;
}

TEST(Orders, EachBlueprintIsStartedOnceAndNoneAfterTheEnd) {
  const Orders o = all_of({{{"start", "a"}},
                           {{"start", Json::array({"b", "a"})}},
                           {{"ignore", true}},
                           {{"start", "c"}},
                           {{"ignore", true}}});
  EXPECT_EQ(started(o), "a by 0 b by 1 ");
  EXPECT_EQ(o.ended_by, "2");
  EXPECT_EQ(all_of({}).ended_by, "");
}

TEST(Orders, FlagsAddUpAndTheFirstMoveCounts) {
  const Orders o = all_of({{{"flag", "seen"}, {"label", "x"}},
                           {{"ignore", true}},
                           {{"flag", Json::array({"$A", "seen"})}, {"move", "One"}},
                           {{"move", "Two"}, {"label", "y"}}});
  EXPECT_THAT(o.flags, ElementsAre("seen", "$A"));
  EXPECT_THAT(o.labels, ElementsAre("x", "y"));
  EXPECT_EQ(o.move_to, "One");
  EXPECT_FALSE(o.quarantined);
  EXPECT_THAT(o.changed_by, ElementsAre("0", "2", "3"));
}

TEST(Orders, AQuarantineGoesBeforeAnyMoveAndIsAnEndWithoutAnswer) {
  const Orders o = all_of({{{"move", "One"}, {"reply", {{"template", "t"}}}},
                           {{"quarantine", true}},
                           {{"quarantine", "Other"}, {"start", "a"}}});
  EXPECT_EQ(o.move_to, "Quarantine");
  EXPECT_TRUE(o.quarantined);
  EXPECT_EQ(o.ended_by, "1");
  EXPECT_EQ(started(o), "");
  EXPECT_EQ(o.template_name, "");
  EXPECT_EQ(all_of({{{"quarantine", "Junk"}}}).move_to, "Junk");
}

TEST(Orders, TermsAreThoseOfTheRulesUpToThere) {
  const Json limit{{"messages", 3}, {"per", "2h"}};
  const Orders o = all_of({{{"start", "free"}},
                           {{"rate_limit", limit}, {"start", "limited"}},
                           {{"approval", true}, {"start", "asked"}, {"reply", {{"template", "t"}}}},
                           {{"approval", true}, {"rate_limit", limit}}});
  ASSERT_EQ(o.starts.size(), 3u);
  EXPECT_EQ(o.starts[0].terms.limits, 0u);
  EXPECT_EQ(o.starts[1].terms.limits, 1u);
  EXPECT_EQ(o.starts[1].terms.approval, "");
  EXPECT_EQ(o.starts[2].terms.approval, "2");
  EXPECT_EQ(o.answer_terms.limits, 1u);
  EXPECT_EQ(o.answered_by, "2");
  EXPECT_EQ(o.terms.limits, 2u);
  EXPECT_EQ(o.terms.approval, "2");
  ASSERT_EQ(o.limits.size(), 2u);
  EXPECT_EQ(o.limits[1].rule, "3");
  EXPECT_EQ(o.limits[1].messages, 3);
  EXPECT_EQ(o.limits[1].per_s, 7200);
}

TEST(Orders, ALimitsPeriodIsCheckedWithTheRules) {
  try {
    all_of({{{"rate_limit", {{"messages", 1}, {"per", "9999d"}}}}});
    FAIL();
  } catch (const Failure& f) {
    EXPECT_EQ(f.error.where, "rules.0.do.rate_limit.per");
  }
}

}  // namespace
}  // namespace mailroom::policy
