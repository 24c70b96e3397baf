// What is tried again: by the schedule with the same key, by a person with a new one, and what never is.
#include "fixture.hpp"

namespace aoh::host {
namespace {

using testing::HasSubstr;

TEST_F(SessionTest, ARefusedStepThatAPersonRetriesHasANewKeyAndFreshArguments) {
  agent("a", "steps: [{call: t, arguments: {to: refused}}, {call: u}, {finish: {}}]");
  tool_ = [](const ToolCall& c) {
    return c.arguments["to"].str() == "refused" ? error(Json{{"error", Json{{"code", "refused"}}}}) : ok({});
  };
  const auto id = input();
  Runner runner(sql_, ports_, agents_);
  const auto retry = [&] {
    sql_.run("UPDATE inputs SET state='queued' WHERE state='failed'");
    sql_.run("UPDATE sessions SET state='queued', due_ns=0");
    run_all(runner);
  };
  run_all(runner);
  EXPECT_EQ(state(id), "failed");
  retry();
  EXPECT_EQ(state(id), "failed");
  agent("a", "steps: [{call: t, arguments: {to: other}}, {call: u}, {finish: {}}]");
  retry();
  EXPECT_EQ(state(id), "finished");
  ASSERT_EQ(calls_.size(), 4u);
  EXPECT_EQ(calls_[0].idempotency_key, id + ":1/0");
  EXPECT_EQ(calls_[1].idempotency_key, id + ":1/0:2");
  EXPECT_EQ(calls_[2].idempotency_key, id + ":1/0:3");
  EXPECT_EQ(calls_[2].arguments["to"].str(), "other");
  EXPECT_EQ(calls_[3].idempotency_key, id + ":1/1");  // a step of its own
}

TEST_F(SessionTest, ACrashWithinARetryKeepsItsNewKey) {
  agent("a", "steps: [{call: t}, {finish: {}}]");
  tool_ = [](const ToolCall&) { return error({}); };
  const auto id = input();
  Runner runner(sql_, ports_, agents_);
  run_all(runner);
  sql_.run("UPDATE inputs SET state='queued'");
  sql_.run("UPDATE sessions SET state='queued', due_ns=0");
  faults::configure("session.step=fail");
  run_all(runner);
  faults::configure("");
  EXPECT_EQ(calls_.size(), 1u);
  now_ += 100 * kSecond;
  tool_ = [](const ToolCall&) { return ok({}); };
  run_all(runner);
  EXPECT_EQ(state(id), "finished");
  ASSERT_EQ(calls_.size(), 2u);
  EXPECT_EQ(calls_[1].idempotency_key, id + ":1/0:2");
}

TEST_F(SessionTest, AFailureThatLeavesTheEffectOpenKeepsTheKey) {
  agent("a", "steps: [{call: t}, {finish: {}}]");
  for (const auto& outcome : {ToolOutcome{AOH_E_INTERNAL, {}, "it threw"},
                              ToolOutcome{AOH_OK, Json{{"x", std::string(5u << 20, 'x')}}, ""}}) {
    calls_.clear();
    tool_ = [&](const ToolCall&) { return outcome; };
    const auto id = input("message:" + std::to_string(outcome.status));
    Runner runner(sql_, ports_, agents_);
    run_all(runner);
    EXPECT_EQ(state(id), "failed");
    sql_.run("UPDATE inputs SET state='queued' WHERE session_id=?", id);
    sql_.run("UPDATE sessions SET state='queued', due_ns=0 WHERE id=?", id);
    run_all(runner);
    ASSERT_EQ(calls_.size(), 2u);
    EXPECT_EQ(calls_[1].idempotency_key, calls_[0].idempotency_key);
  }
}

TEST_F(SessionTest, AnUncertainSendThatAPersonSettlesIsUncertainNoMore) {
  agent("a", "steps: [{finish: {output_text: x}}]");
  std::map<std::string, std::string> records;  // by key: what the tool would answer
  tool_ = [&](const ToolCall& c) {
    if (!records.contains(c.idempotency_key)) records[c.idempotency_key] = "uncertain";
    const std::string& now = records[c.idempotency_key];
    const Json content{{"state", now}, {"outbox_id", "o:" + c.idempotency_key}};
    return now == "uncertain" ? error(content) : ok(content);
  };
  Runner runner(sql_, ports_, agents_);
  for (const bool sent : {true, false}) {
    calls_.clear();
    const auto id = input(sent ? "message:1" : "message:2", "a", reply(1));
    run_all(runner);
    const std::string step = "on_finish/reply_email/1";
    ASSERT_EQ(find_step(sql_, id, step)->status, "uncertain");
    ASSERT_EQ(calls_.size(), 1u);
    const std::string key = calls_[0].idempotency_key;
    const auto settle = [&](const std::string& outbox_id) {
      return sql_.write("t", [&] { return settle_uncertain(sql_, outbox_id, sent, now_); });
    };
    EXPECT_EQ(settle("o:another"), "");
    EXPECT_EQ(find_step(sql_, id, step)->status, "uncertain");
    records[key] = sent ? "sent" : "failed";
    EXPECT_EQ(settle("o:" + key), id);
    EXPECT_EQ(settle("o:" + key), "") << "once";
    run_all(runner);
    EXPECT_FALSE(sql_.query("SELECT 1 FROM inputs WHERE state='uncertain'").next());
    if (sent) {  // the session went on by itself; the tool answered from its record
      EXPECT_EQ(state(id), "finished");
      EXPECT_EQ(error_of(id), "");
    } else {  // it waits for a retry, which has the same key: the very same bytes go
      EXPECT_EQ(state(id), "failed");
      EXPECT_THAT(error_of(id), HasSubstr("not sent"));
      EXPECT_EQ(calls_.size(), 1u);
      sql_.run("UPDATE inputs SET state='queued' WHERE session_id=?", id);
      sql_.run("UPDATE sessions SET state='queued', due_ns=0 WHERE id=?", id);
      run_all(runner);
      EXPECT_EQ(state(id), "finished");
    }
    ASSERT_EQ(calls_.size(), 2u);
    EXPECT_EQ(calls_[1].idempotency_key, key);
    EXPECT_EQ(calls_[1].arguments, calls_[0].arguments);
  }
}

TEST_F(SessionTest, AHomeFromBeforeTriesAndTaintIsTaken) {
  agent("a", "steps: [{call: t}, {finish: {}}]");
  const auto id = input();
  sql_.run("ALTER TABLE ledger DROP COLUMN tries");
  sql_.run("ALTER TABLE sessions DROP COLUMN taint");
  create_tables(sql_);
  create_tables(sql_);
  EXPECT_EQ(session_taint(sql_, id), Json::array({"unknown"})) << "it may have read anything";
  Runner runner(sql_, ports_, agents_);
  run_all(runner);
  EXPECT_EQ(state(id), "finished");
}

TEST_F(SessionTest, TemporaryFailuresFollowTheScheduleWithTheSameKeyAndArguments) {
  agent("a", "steps: [{call: t, arguments: {at: \"{{ session.id }}\"}}, {finish: {}}]");
  tool_ = [](const ToolCall&) { return error(Json{{"temporary", true}}); };
  const auto id = input();
  Runner runner(sql_, ports_, agents_);
  std::size_t expected = 1;
  run_all(runner);
  for (const std::int64_t seconds : {30, 60, 300, 900, 3600}) {
    EXPECT_EQ(state(id), "waiting");
    now_ += seconds * kSecond - 1;
    run_all(runner);
    EXPECT_EQ(calls_.size(), expected) << seconds;
    now_ += 1;
    run_all(runner);
    EXPECT_EQ(calls_.size(), ++expected) << seconds;
  }
  EXPECT_EQ(state(id), "failed");
  EXPECT_THAT(error_of(id), HasSubstr("given up after 6 attempts: it failed"));
  for (const auto& call : calls_) {
    EXPECT_EQ(call.idempotency_key, id + ":1/0");
    EXPECT_EQ(call.arguments, calls_[0].arguments);
  }
}

TEST_F(SessionTest, RetryAfterIsAMinimum) {
  agent("a", "steps: [{call: t}, {finish: {}}]");
  tool_ = [](const ToolCall&) { return error(Json{{"retry_after_s", 100}}); };
  input();
  Runner runner(sql_, ports_, agents_);
  run_all(runner);
  now_ += 99 * kSecond;
  run_all(runner);
  EXPECT_EQ(calls_.size(), 1u);
  now_ += kSecond;
  run_all(runner);
  EXPECT_EQ(calls_.size(), 2u);
}

TEST_F(SessionTest, AFailedInputDoesNotHoldUpTheNext) {
  agent("a", "steps: [{call: t, arguments: {uid: \"{{ email.uid }}\"}}, {finish: {}}]");
  tool_ = [](const ToolCall& c) { return c.arguments["uid"] == Json(1) ? error({}) : ok({}); };
  const auto id = input("shared");
  input("shared");
  Runner runner(sql_, ports_, agents_);
  run_all(runner);
  EXPECT_EQ(calls_.size(), 2u);
  EXPECT_EQ(state(id), "failed");
  Rows rows = sql_.query("SELECT state FROM inputs ORDER BY seq");
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.text(0), "failed");
  ASSERT_TRUE(rows.next());
  EXPECT_EQ(rows.text(0), "done");
}

}  // namespace
}  // namespace aoh::host
