// What rules do with a message itself: stored with its events, carried out at least once, in order, and what
// its events wait for.
#include "triggers/rule_actions.hpp"

#include <sstream>

#include "fixture.hpp"
#include "triggers/admin.hpp"
#include "triggers/batch_store.hpp"
#include "triggers/set_back.hpp"

namespace aoh::host {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kSource = R"(email {"credential_id":"inbox","mailbox":"INBOX"})";

class RuleActionsTest : public TriggerTest {
 protected:
  RuleActionsTest() {
    ports_.call = [this](const ToolCall& call) {
      calls.push_back(call);
      if (answers.empty()) return ToolOutcome{AOH_OK, Json{{"structuredContent", answer}}, ""};
      auto next = answers.front();
      answers.erase(answers.begin());
      return next;
    };
  }
  static Json change(const std::string& of, bool holds = true) {
    Json payload{
        {"rule", "rule \"r\": move"},
        {"of", of},
        {"holds", holds},
        {"call", {{"tool", "email_update"}, {"arguments", {{"move_to", "X"}, {"credential_id", "other"}}}}}};
    return payload.set("learns",
                       {{"email.mailbox", "messages.0.to.mailbox"}, {"email.uid", "messages.0.to.uid"}});
  }
  void add(Batch& batch, const std::string& blueprint, const std::string& key, Json payload) {
    batch.events.push_back({1, "t", blueprint, key, payload.dump(), payload});
  }
  void add(Batch& batch, const std::string& key) {
    add(batch, "b", key, Json{{"email", {{"subject", key}, {"uid", 7}, {"mailbox", "INBOX"}}}});
  }
  Batch batch(const std::string& source = kSource) {
    Batch out;
    out.trigger = std::make_shared<Supervisor::Trigger>();
    out.trigger->key = source;
    out.decisions = Json::array();
    return out;
  }
  std::int64_t store(const Batch& b) { return store_batch(sql_, b, {{"b", blueprint("b")}}, now_, 1000); }
  /// A message that is handed over and moved.
  void moved(const std::string& key) {
    Batch b = batch();
    add(b, "", key + "#change", change(key));
    add(b, key);
    store(b);
  }
  std::string state(const std::string& key) { return one("state", key); }
  std::string error(const std::string& key) { return one("error", key); }
  std::string one(const std::string& column, const std::string& key) {
    Rows rows = sql_.query("SELECT " + column + " FROM events WHERE dedupe_key=?", key);
    return rows.next() ? rows.text(0) : "none";
  }
  Json email(const std::string& key) { return Json::parse(one("payload", key))["email"]; }
  static ToolOutcome failure(const char* state, bool temporary) {
    return {AOH_OK,
            Json{{"isError", true},
                 {"content", Json::array({Json{{"type", "text"}, {"text", "no such mailbox"}}})},
                 {"structuredContent", {{"state", state}, {"temporary", temporary}}}},
            ""};
  }
  std::string parked() {
    std::ostringstream out;
    parked_list(sql_, {out, false});
    return out.str();
  }
  void change_parked(const std::string& which, bool retry) {
    std::ostringstream out;
    retry ? parked_retry(sql_, which, now_, {out, false}) : parked_drop(sql_, which, {out, false});
  }
  std::string number(const std::string& key) { return one("id", key); }

  std::vector<ToolCall> calls;
  std::vector<ToolOutcome> answers;
  Json answer = Json::parse(R"({"messages":[{"uid":7,"state":"moved","to":{"mailbox":"X","uid":3}}]})");
  bool served = true;
  int releases = 0;
  RuleActions actions{sql_, ports_,
                      [this](std::string_view source, std::string_view tool) {
                        return served && source == "email" && tool == "email_update";
                      },
                      [this] { ++releases; }};
};

TEST_F(RuleActionsTest, TheEventsOfAMessageWaitAndLearnWhereItLies) {
  moved("m");
  Batch other = batch();
  add(other, "n");
  store(other);
  EXPECT_EQ(state("m"), "held");
  EXPECT_EQ(state("n"), "pending");
  EXPECT_EQ(backlog(sql_), 3);
  ASSERT_TRUE(actions.act_one());
  EXPECT_FALSE(actions.act_one());
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].tool, "email_update");
  EXPECT_EQ(calls[0].arguments["credential_id"].str(), "inbox") << "the source's, whatever the module says";
  EXPECT_EQ(calls[0].grants, Json::parse(R"({"inbox":["manage"]})"));
  EXPECT_EQ(calls[0].idempotency_key, "rule:m#change");
  EXPECT_EQ(state("m#change"), "done");
  EXPECT_EQ(state("m"), "pending");
  EXPECT_EQ(email("m"), Json::parse(R"({"subject":"m","uid":3,"mailbox":"X"})"));
  EXPECT_EQ(email("n")["uid"].integer(), 7);
  EXPECT_EQ(releases, 1);
}

TEST_F(RuleActionsTest, APlaceThatNobodyToldIsNoPlace) {
  moved("m");
  moved("gone");
  answers = {{AOH_OK, Json::parse(R"({"structuredContent":{"messages":[{"to":{"mailbox":"X"}}]}})"), ""},
             {AOH_OK, Json::parse(R"({"structuredContent":{"messages":[{"state":"gone"}]}})"), ""}};
  while (actions.act_one()) {
  }
  EXPECT_EQ(email("m"), Json::parse(R"({"subject":"m","mailbox":"X"})"));
  EXPECT_EQ(email("gone"), Json::parse(R"({"subject":"gone","uid":7,"mailbox":"INBOX"})"));
}

TEST_F(RuleActionsTest, ATemporaryFailureGoesByTheScheduleUnderOneKeyThenItIsParked) {
  moved("m");
  for (const std::int64_t seconds : {30, 60, 300, 900, 3600}) {
    answers = {failure("failed", true)};
    ASSERT_TRUE(actions.act_one());
    EXPECT_FALSE(actions.act_one());
    EXPECT_EQ(state("m"), "held");
    now_ += seconds * kSecond - 1;
    EXPECT_FALSE(actions.act_one()) << seconds;
    now_ += 1;
  }
  answers = {failure("failed", true)};
  ASSERT_TRUE(actions.act_one());
  EXPECT_EQ(state("m#change"), "parked");
  EXPECT_EQ(state("m"), "pending") << "the message is handed over all the same";
  EXPECT_THAT(parked(),
              AllOf(HasSubstr("action of rule \"r\": move"), HasSubstr("given up after 6 attempts")));
  ASSERT_EQ(calls.size(), 6u);
  EXPECT_EQ(calls[5].idempotency_key, calls[0].idempotency_key);
}

TEST_F(RuleActionsTest, ARefusalIsParkedAtOnceAndARetryIsNewWork) {
  moved("m");
  answers = {failure("failed", false)};
  ASSERT_TRUE(actions.act_one());
  EXPECT_EQ(state("m#change"), "parked");
  EXPECT_THAT(error("m#change"), HasSubstr("no such mailbox"));
  change_parked(number("m#change"), true);
  ASSERT_TRUE(actions.act_one());
  EXPECT_EQ(calls.at(1).idempotency_key, "rule:m#change:1");
  EXPECT_EQ(state("m#change"), "done");

  moved("u");
  answers = {failure("uncertain", false)};
  ASSERT_TRUE(actions.act_one());
  EXPECT_THAT(error("u#change"), HasSubstr("uncertain whether it took effect"));
  change_parked(number("u#change"), true);
  ASSERT_TRUE(actions.act_one());
  EXPECT_EQ(calls.at(3).idempotency_key, "rule:u#change") << "what may have happened is not made new";

  moved("d");
  answers = {failure("failed", false)};
  ASSERT_TRUE(actions.act_one());
  change_parked(number("d#change"), false);
  EXPECT_FALSE(actions.act_one());
  EXPECT_EQ(state("d#change"), "dropped");
}

TEST_F(RuleActionsTest, WhatTheEndOfTheHostCutsIsMadeAtTheNextStart) {
  moved("m");
  answers = {{AOH_E_CANCELLED, {}, ""}, {AOH_E_STATE, {}, ""}};
  ASSERT_TRUE(actions.act_one());
  ASSERT_TRUE(actions.act_one());
  EXPECT_EQ(state("m#change"), "pending");
  RuleActions next{sql_, ports_, [](auto&&...) { return true; }, {}};
  ASSERT_TRUE(next.act_one());
  EXPECT_EQ(state("m#change"), "done");
  EXPECT_EQ(calls[2].idempotency_key, calls[0].idempotency_key);
}

TEST_F(RuleActionsTest, ActionsOfAMessageKeepTheirOrder) {
  Batch b = batch();
  add(b, "", "m#first", change("m", false));
  add(b, "", "m#second", change("m"));
  add(b, "m");
  store(b);
  answers = {failure("failed", true)};
  ASSERT_TRUE(actions.act_one());
  EXPECT_FALSE(actions.act_one()) << "the second waits for the first";
  now_ += 30 * kSecond;
  ASSERT_TRUE(actions.act_one());
  EXPECT_EQ(state("m#first"), "done");
  EXPECT_EQ(state("m"), "held");
  ASSERT_TRUE(actions.act_one());
  EXPECT_EQ(state("m"), "pending");
}

TEST_F(RuleActionsTest, OneSourceAtATimeAndNoneHoldsUpAnother) {
  moved("m1");
  moved("m2");
  Batch b = batch(R"(email {"credential_id":"other","mailbox":"INBOX"})");
  add(b, "", "n#change", change("n"));
  store(b);
  bool within = false;
  ports_.call = [&](const ToolCall& call) {
    calls.push_back(call);
    if (!within) {  // while the first is at work
      within = true;
      EXPECT_TRUE(actions.act_one());
      EXPECT_FALSE(actions.act_one());
    }
    return ToolOutcome{AOH_OK, Json{{"structuredContent", answer}}, ""};
  };
  ASSERT_TRUE(actions.act_one());
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].idempotency_key, "rule:m1#change");
  EXPECT_EQ(calls[1].default_credential_id, "other");
}

TEST_F(RuleActionsTest, AToolThatTheManifestDoesNotNameIsNotCalled) {
  served = false;
  moved("m");
  ASSERT_TRUE(actions.act_one());
  EXPECT_THAT(calls, IsEmpty());
  EXPECT_EQ(state("m#change"), "parked");
  sql_.run("UPDATE events SET payload='{', state='pending' WHERE dedupe_key='m#change'");
  ASSERT_TRUE(actions.act_one());
  EXPECT_THAT(error("m#change"), HasSubstr("cannot be read"));
}

TEST_F(RuleActionsTest, WorkersGoByThemselvesWhenPoked) {
  moved("m");
  actions.poke();
  EXPECT_TRUE(eventually([&] { return state("m#change") == "done"; }));
  actions.stop();
}

TEST_F(RuleActionsTest, ApprovalIsAPersons) {
  Batch b = batch();
  add(b, "", "m#change", change("m"));
  add(b, "m");
  b.decisions.push({{"key", "m"}, {"blueprint", "b"}, {"decision", "matched"}, {"approval", "big"}});
  EXPECT_EQ(store(b), 1) << "what waits for a person is no backlog";
  EXPECT_EQ(state("m"), "parked");
  EXPECT_THAT(parked(), HasSubstr("approval: rule \"big\""));
  change_parked("all", true);
  EXPECT_EQ(state("m"), "parked") << "nobody approves everything";
  change_parked(number("m"), true);
  EXPECT_EQ(state("m"), "held") << "its message is on the way elsewhere";
  ASSERT_TRUE(actions.act_one());
  EXPECT_EQ(state("m"), "pending");
  EXPECT_EQ(email("m")["mailbox"].str(), "X");
}

class RateLimitTest : public RuleActionsTest {
 protected:
  std::string arrives(const std::string& key, const std::string& who = "a@x.example", int most = 2,
                      const std::vector<std::string>& blueprints = {"b"}) {
    Batch b = batch();
    const Json limits =
        Json::array({Json{{"rule", "r"}, {"who", who}, {"most", most}, {"per_s", 3600}, {"of", key}}});
    for (const auto& id : blueprints) {
      add(b, id, key, Json{{"email", Json::object()}});
      b.decisions.push(
          {{"key", key}, {"blueprint", id}, {"decision", "matched"}, {"why", "w"}, {"limits", limits}});
    }
    store(b);
    std::string out;
    Rows rows = sql_.query("SELECT decision, why FROM decisions WHERE key=? ORDER BY id", key);
    while (rows.next()) out += rows.text(0) + (rows.text(0) == "matched" ? " " : ": " + rows.text(1));
    return out;
  }
};

TEST_F(RateLimitTest, BeyondItAMessageIsOnRecordAndNobodyGetsIt) {
  EXPECT_EQ(arrives("1"), "matched ");
  now_ += 1800 * kSecond;
  EXPECT_EQ(arrives("2"), "matched ");
  EXPECT_EQ(arrives("3"), "rate_limited: r: more than 2 within 3600 s of a@x.example");
  EXPECT_EQ(state("3"), "none");
  EXPECT_EQ(arrives("4", "b@x.example"), "matched ") << "another sender";
  now_ += 1800 * kSecond;
  EXPECT_EQ(arrives("5"), "matched ") << "the first is an hour old";
  EXPECT_THAT(arrives("6"), HasSubstr("rate_limited"));
  now_ += 3600 * kSecond;
  EXPECT_EQ(arrives("7"), "matched ");
  EXPECT_EQ(count("rule_counts"), 1) << "what does not count any more is gone";
}

TEST_F(RateLimitTest, AClockThatIsSetBackLimitsNobodyForAsLongAsItHadBeenWrong) {
  now_ += 86'400 * kSecond;
  EXPECT_EQ(arrives("1") + arrives("2"), "matched matched ");
  moved("m");
  sql_.run("UPDATE events SET due_ns=due_ns+? WHERE dedupe_key='m'", 30 * kSecond);  // a debounce
  SetBack set_back(sql_, ports_);
  now_ -= 86'400 * kSecond;
  EXPECT_TRUE(set_back.look());
  EXPECT_EQ(arrives("3") + arrives("4"), "matched matched ");
  EXPECT_THAT(arrives("5"), HasSubstr("rate_limited"));
  ASSERT_TRUE(actions.act_one());
  EXPECT_EQ(count("events WHERE dedupe_key='m' AND state='pending' AND due_ns<=" + std::to_string(now_)), 1);
}

TEST_F(RateLimitTest, AMessageCountsOnceHoweverManyGetItAndHoweverOftenItIsToldOf) {
  EXPECT_EQ(arrives("1", "a@x.example", 2, {"b", "c"}), "matched matched ");
  EXPECT_EQ(arrives("1", "a@x.example", 2, {"b", "c"}), "matched matched matched matched ");
  EXPECT_EQ(arrives("2"), "matched ");
  EXPECT_THAT(arrives("3", "a@x.example", 2, {"b", "c"}), HasSubstr("rate_limited"));
  EXPECT_EQ(count("events WHERE dedupe_key='3'"), 0);
}

}  // namespace
}  // namespace aoh::host
