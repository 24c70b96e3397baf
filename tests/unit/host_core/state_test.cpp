#include "services/state.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "services/faults.hpp"
#include "temp_dir.hpp"

namespace aoh::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
constexpr std::uint64_t kAny = UINT64_MAX;

class StateTest : public testing::Test {
 protected:
  void TearDown() override { faults::configure(""); }
  std::string value(std::string_view key, std::string_view module = "m") {
    const auto v = state.get(module, key);
    return v ? v->text : "(none)";
  }
  std::uint64_t version(std::string_view key) { return state.get("m", key)->version; }
  std::vector<std::string> keys(std::string_view prefix, std::string_view after = {},
                                std::size_t limit = 100) {
    std::vector<std::string> out;
    for (const auto& [key, v] : state.list("m", prefix, after, limit)) out.push_back(key);
    return out;
  }
  TempDir dir;
  Db db{dir / "host.db"};
  State state{db};
};

TEST_F(StateTest, ComparesBeforeItSets) {
  EXPECT_FALSE(state.apply("m", {{"a", "1", 1}}));
  EXPECT_TRUE(state.apply("m", {{"a", "1", 0}}));
  EXPECT_FALSE(state.apply("m", {{"a", "2", 0}}));
  const auto v = version("a");
  EXPECT_TRUE(state.apply("m", {{"a", "2", v}}));
  EXPECT_FALSE(state.apply("m", {{"a", "3", v}}));
  EXPECT_GT(version("a"), v);
  EXPECT_TRUE(state.apply("m", {{"a", "4", kAny}}));
  EXPECT_EQ(value("a"), "4");
}

TEST_F(StateTest, AllOrNothing) {
  state.apply("m", {{"a", "1", kAny}});
  EXPECT_FALSE(state.apply("m", {{"b", "new", 0}, {"a", "", kAny, true}, {"c", "new", 99}}));
  EXPECT_EQ(value("a"), "1");
  EXPECT_EQ(value("b"), "(none)");
  EXPECT_TRUE(state.apply("m", {{"b", "new", 0}, {"a", "", version("a"), true}}));
  EXPECT_EQ(value("a"), "(none)");
  EXPECT_EQ(value("b"), "new");
}

TEST_F(StateTest, StepsSeeTheStepsBeforeThem) {
  EXPECT_FALSE(state.apply("m", {{"a", "1", 0}, {"a", "2", 0}}));
  EXPECT_EQ(value("a"), "(none)");
}

// Else a module that read version 1 before a removal would overwrite what came after it.
TEST_F(StateTest, AKeyMadeAgainHasANewVersion) {
  state.apply("m", {{"a", "1", 0}});
  const auto old = version("a");
  state.apply("m", {{"a", "", old, true}});
  state.apply("m", {{"a", "2", 0}});
  EXPECT_FALSE(state.apply("m", {{"a", "lost update", old}}));
}

TEST_F(StateTest, ModulesDoNotSeeEachOther) {
  state.apply("m", {{"a", "1", 0}});
  EXPECT_EQ(value("a", "other"), "(none)");
  EXPECT_TRUE(state.apply("other", {{"a", "2", 0}}));
  EXPECT_EQ(value("a"), "1");
}

TEST_F(StateTest, ValuesAreBytes) {
  const std::string odd("a\0b\xFF", 4);
  state.apply("m", {{"a", odd, 0}, {"empty", "", 0}});
  EXPECT_EQ(value("a"), odd);
  EXPECT_EQ(value("empty"), "");
}

TEST_F(StateTest, ListsByPrefixInByteOrder) {
  state.apply("m",
              {{"b/2", "", 0}, {"b/10", "", 0}, {"a", "", 0}, {"b/", "", 0}, {"c", "", 0}, {"b", "", 0}});
  EXPECT_THAT(keys("b/"), ElementsAre("b/", "b/10", "b/2"));
  EXPECT_THAT(keys("b/", "b/10"), ElementsAre("b/2"));
  EXPECT_THAT(keys("b/", "", 2), ElementsAre("b/", "b/10"));
  EXPECT_THAT(keys(""), ElementsAre("a", "b", "b/", "b/10", "b/2", "c"));
}

TEST_F(StateTest, PrefixesMayHoldAnyLetters) {
  state.apply("m",
              {{"Grüße/1", "", 0}, {"Grüße/2", "", 0}, {"Grün", "", 0}, {"100%_", "", 0}, {"100x_", "", 0}});
  EXPECT_THAT(keys("Grüße/"), ElementsAre("Grüße/1", "Grüße/2"));
  EXPECT_THAT(keys("100%"), ElementsAre("100%_"));
}

TEST_F(StateTest, AFailedCommitWritesNothing) {
  faults::configure("store.commit=fail");
  EXPECT_THROW(state.apply("m", {{"a", "1", 0}}), faults::Injected);
  EXPECT_EQ(value("a"), "(none)");
}

TEST_F(StateTest, TheFaultPointSeesTheOutboxState) {
  faults::configure("state.apply~outbox/7:committing=fail");
  EXPECT_TRUE(state.apply("m", {{"outbox/7", R"({"id":"7","state":"prepared"})", kAny}}));
  EXPECT_THROW(state.apply("m", {{"outbox/7", R"({"id":"7","state":"committing"})", kAny}}),
               faults::Injected);
  EXPECT_THAT(value("outbox/7"), HasSubstr("prepared"));
}

TEST_F(StateTest, OneOfManyWins) {
  state.apply("m", {{"counter", "0", 0}});
  std::atomic<int> won{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i) {
          const auto v = state.get("m", "counter");
          if (state.apply("m", {{"counter", std::to_string(std::stoi(v->text) + 1), v->version}})) ++won;
        }
      });
  }
  EXPECT_EQ(value("counter"), std::to_string(won.load()));
  EXPECT_GT(won, 0);
}

TEST_F(StateTest, ANoteIsAboutOneCredential) {
  state.apply("m", {{"attention/me", R"({"summary":"sign in again"})", kAny},
                    {"attention/me2", R"({"summary":"another's"})", kAny},
                    {"attention/me.x", R"({"summary":"another's"})", kAny}});
  ASSERT_EQ(state.attention("me").size(), 1u);
  EXPECT_EQ(state.attention("me")[0]["summary"].str(), "sign in again");
  EXPECT_EQ(state.attention("me")[0]["module"].str(), "m");
  EXPECT_TRUE(state.attention("m").empty());
  state.forget_attention("me");
  EXPECT_TRUE(state.attention("me").empty());
  EXPECT_EQ(state.attention("me2").size(), 1u);
}

TEST_F(StateTest, AHumanResolvesWhatIsUncertainAndNothingElse) {
  const auto record = [&](const char* id, const char* was) {
    const std::string text = Json{{"id", id}, {"state", was}, {"kind", "send"}}.dump();
    state.apply("m", {{"outbox/" + std::string(id), text, kAny}});
  };
  record("1", "uncertain");
  record("2", "sent");
  state.apply("m", {{"outbox/broken", "{", kAny}, {"outboxes", "{}", kAny}});
  ASSERT_EQ(state.outbox().size(), 2u);
  EXPECT_EQ(state.outbox()[0]["module"].str(), "m");
  EXPECT_EQ(state.resolve_outbox("1", "sent", "ada", 42), "");
  const Json now = Json::parse(value("outbox/1"));
  EXPECT_EQ(now["state"].str(), "sent");
  EXPECT_EQ(now["resolved_by"].str(), "ada");
  EXPECT_THAT(state.resolve_outbox("1", "failed", "ada", 43), HasSubstr("sent"));
  EXPECT_THAT(state.resolve_outbox("2", "failed", "ada", 43), HasSubstr("sent"));
  EXPECT_THAT(state.resolve_outbox("9", "failed", "ada", 43), HasSubstr("outbox list"));
  EXPECT_THAT(state.resolve_outbox("2", "lost", "ada", 43), HasSubstr("'sent' or 'failed'"));
}

}  // namespace
}  // namespace aoh::host
