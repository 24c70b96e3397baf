// Script agents on the runner: templates, on_finish, taint, limits, a store that fails.
#include "fixture.hpp"

namespace aoh::host {
namespace {

using testing::HasSubstr;

const char* const kTwoSteps =
    "grants: {$trigger: [read]}\n"
    "steps:\n"
    "  - {call: email_fetch, arguments: {uid: \"{{ trigger.email.uid }}\", note: \"{{ email.nothing }}\"}, "
    "save_as: mail}\n"
    "  - finish: {output_text: \"Got {{ steps.mail.subject }}\", output_html: \"<p>{{ steps.mail.subject "
    "}}</p>\"}\n";

TEST_F(SessionTest, RunsStepsAndOnFinishWithKeysGrantsAndEscapes) {
  agent("a", kTwoSteps);
  tool_ = [](const ToolCall& c) {
    return c.tool == "email_fetch" ? ok(Json{{"subject", "A & <B>"}}) : ok(Json{{"state", "sent"}});
  };
  const auto id = input("message:1", "a", reply(1));
  Runner runner(sql_, ports_, agents_);
  run_all(runner);
  EXPECT_EQ(state(id), "finished");
  ASSERT_EQ(calls_.size(), 2u);
  EXPECT_EQ(calls_[0].arguments, (Json{{"uid", 1}}));  // typed, and what is absent is left out
  EXPECT_EQ(calls_[0].idempotency_key, id + ":1/0");
  EXPECT_EQ(calls_[0].grants, (Json{{"inbox", Json::array({"read"})}}));
  EXPECT_EQ(calls_[0].default_credential_id, "inbox");
  EXPECT_EQ(calls_[1].tool, "email_reply");
  EXPECT_EQ(calls_[1].idempotency_key, id + ":on_finish/reply_email/1");
  EXPECT_EQ(calls_[1].arguments, (Json{{"credential_id", "inbox"},
                                       {"html", "<b><p>A &amp; &lt;B&gt;</p></b>"},
                                       {"subject", "Re: Quote <1>"},
                                       {"uid", 1}}));
  const auto steps = steps_of(sql_, id, 1);
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(steps[1].result["output_text"].str(), "Got A & <B>");
  EXPECT_EQ(steps[2].status, "done");
}

TEST_F(SessionTest, EachInputOfASharedSessionIsATurn) {
  agent("a", kTwoSteps);
  const auto id = input("sender:x");
  EXPECT_EQ(input("sender:x"), id);
  EXPECT_NE(input("sender:y"), id);
  Runner runner(sql_, ports_, agents_);
  run_all(runner);
  EXPECT_EQ(state(id), "finished");
  EXPECT_EQ(input("sender:x"), id);  // opens it again
  EXPECT_EQ(state(id), "queued");
  run_all(runner);
  ASSERT_EQ(calls_.size(), 4u);
  EXPECT_EQ(calls_[3].idempotency_key, id + ":3/0");
}

TEST_F(SessionTest, AnIdleSessionIsNotContinued) {
  NewInput in;
  in.blueprint = "bp", in.agent_id = "a", in.key = "shared", in.idle_ns = 3600 * kSecond;
  const auto add = [&] {
    ++in.event_id;
    return sql_.write("t", [&] { return add_input(sql_, now_, in); });
  };
  agent("a", "steps: [{finish: {}}]");
  const auto first = add();
  Runner runner(sql_, ports_, agents_);
  run_all(runner);
  now_ += 3600 * kSecond;
  EXPECT_EQ(add(), first);
  run_all(runner);
  now_ += 3601 * kSecond;
  EXPECT_NE(add(), first);
}

TEST_F(SessionTest, OnFinishIsSkippedWhenTheAgentHasAnswered) {
  agent("a",
        "steps:\n  - {call: email_reply, arguments: {uid: \"{{ email.uid }}\", text: hi}}\n  - finish: "
        "{output_text: x}\n");
  agent("by-id",
        "steps:\n  - {call: email_reply, arguments: {message_id: \"{{ email.message_id }}\", text: hi}}\n  - "
        "finish: {output_text: x}\n");
  agent("other",
        "steps:\n  - {call: email_reply, arguments: {uid: 77, text: hi}}\n  - finish: {output_text: x}\n");
  const auto id = input("message:1", "a", reply(1));
  const auto by_id = input("message:2", "by-id", reply(2));
  const auto other = input("message:3", "other", reply(3));
  Runner runner(sql_, ports_, agents_);
  run_all(runner);
  EXPECT_EQ(calls_.size(), 4u);
  EXPECT_EQ(find_step(sql_, id, "on_finish/reply_email/1")->status, "skipped");
  EXPECT_EQ(find_step(sql_, by_id, "on_finish/reply_email/1")->status, "skipped");
  EXPECT_EQ(find_step(sql_, other, "on_finish/reply_email/1")->status, "done");
}

TEST_F(SessionTest, AnUncertainSendIsNeverRepeated) {
  agent("a", "steps: [{finish: {output_text: x}}]");
  tool_ = [](const ToolCall&) { return error(Json{{"state", "uncertain"}, {"temporary", true}}); };
  const auto id = input("message:1", "a", reply(1));
  Runner runner(sql_, ports_, agents_);
  run_all(runner);
  EXPECT_EQ(state(id), "failed");
  EXPECT_EQ(find_step(sql_, id, "on_finish/reply_email/1")->status, "uncertain");
  // Not even when somebody queues it by hand.
  sql_.run("UPDATE inputs SET state='queued'");
  sql_.run("UPDATE sessions SET state='queued', due_ns=0");
  run_all(runner);
  now_ += 100'000 * kSecond;
  run_all(runner);
  EXPECT_EQ(calls_.size(), 1u);
}

TEST_F(SessionTest, WhatASessionHasReadTaintsEveryLaterCallForGood) {
  agent("a", "steps: [{call: read}, {call: write}, {finish: {}}]");
  tool_ = [](const ToolCall& c) {
    auto out = ok({});
    if (c.tool == "read")
      out.result.slot("_meta").slot("aoh").set("taint", Json::array({"a shelf", Json{{"n", 1}}}));
    return out;
  };
  Runner runner(sql_, ports_, agents_);
  const auto clean = input("shared");
  run_all(runner);
  ASSERT_EQ(calls_.size(), 2u);
  EXPECT_EQ(calls_[0].taint, Json::array());
  EXPECT_EQ(calls_[1].taint, Json::array({"a shelf", R"({"n":1})"}));
  EXPECT_EQ(input("shared"), clean);  // another turn of the same session
  run_all(runner);
  EXPECT_EQ(calls_[2].taint, calls_[1].taint);
  EXPECT_EQ(session_taint(sql_, clean).size(), 2u) << "once each";
}

TEST_F(SessionTest, AStrangersInputTaintsAndSoDoesOnFinish) {
  agent("a", "steps: [{call: t}, {finish: {output_html: x}}]");
  NewInput in;
  in.blueprint = "quotes", in.agent_id = "a", in.key = "shared", in.on_finish = reply(1);
  const auto add = [&](Json payload) {
    ++in.event_id;
    in.payload = std::move(payload);
    return sql_.write("t", [&] { return add_input(sql_, now_, in); });
  };
  Runner runner(sql_, ports_, agents_);
  const auto id = add(Json{{"tick", Json{{"number", 1}}}});
  run_all(runner);
  EXPECT_EQ(calls_.at(0).taint, Json::array());
  EXPECT_EQ(add(Json{{"email", Json{{"uid", 1}, {"untrusted", true}}}}), id);
  calls_.clear();
  run_all(runner);
  ASSERT_EQ(calls_.size(), 2u);
  for (const auto& call : calls_) EXPECT_EQ(call.taint, Json::array({"trigger:quotes"})) << call.tool;
  for (int i = 0; i < 100; ++i)
    sql_.write("t", [&] { taint_session(sql_, id, Json::array({"s" + std::to_string(i)})); });
  EXPECT_EQ(session_taint(sql_, id).size(), 64u);
  EXPECT_EQ(session_taint(sql_, id).items().back(), Json("more"));
}

TEST_F(SessionTest, LimitsMissingAgentsAndBrokenTemplatesFailTheSessionInWords) {
  agent("calls", "limits: {calls: 1}\nsteps: [{call: t}, {call: t}, {finish: {}}]");
  agent("slow", "limits: {time: 10s}\nsteps: [{call: t}, {call: t}, {finish: {}}]");
  agent("broken", "steps: [{call: t, arguments: {a: \"{{ x | nofilter }}\"}}]");
  tool_ = [this](const ToolCall& c) {
    if (c.agent_id == "slow") now_ += 11 * kSecond;
    return ok({});
  };
  Runner runner(sql_, ports_, agents_);
  for (const auto& [name, words] : {std::pair{"calls", "limit of 1 calls"},
                                    {"slow", "time limit of 10 s"},
                                    {"broken", "nofilter"},
                                    {"nobody", "no agent \"nobody\""}}) {
    const auto id = input(std::string("message:") + name, name);
    run_all(runner);
    EXPECT_EQ(state(id), "failed") << name;
    EXPECT_THAT(error_of(id), HasSubstr(words)) << name;
  }
}

TEST_F(SessionTest, IfSkipsAStep) {
  agent("a",
        "steps:\n  - {call: no, if: \"{{ email.nothing }}\"}\n  - {call: yes, if: \"{{ email.subject }}\"}\n "
        " - finish: {}\n");
  input();
  Runner runner(sql_, ports_, agents_);
  run_all(runner);
  ASSERT_EQ(calls_.size(), 1u);
  EXPECT_EQ(calls_[0].tool, "yes");
}

TEST_F(SessionTest, AStoreThatFailsAtEveryTransactionLosesAndDoublesNothing) {
  agent("a", kTwoSteps);
  int points = 0;
  for (const std::string point : {"store.begin", "store.commit", "session.step"}) {
    for (int n = 1; n <= 12; ++n) {
      calls_.clear();
      const auto id = input("message:" + point + std::to_string(n), "a", reply(events_ + 1));
      Runner runner(sql_, ports_, agents_);
      faults::configure(point + "@" + std::to_string(n) + "=fail");
      for (int i = 0; i < 10; ++i) {
        try {
          run_all(runner);
          now_ += 4000 * kSecond;
          sql_.write("t", [&] { return requeue_running(sql_, now_); });
        } catch (const std::exception&) {  // claiming itself failed: the worker logs and goes on
        }
      }
      faults::configure("");
      run_all(runner);
      EXPECT_EQ(state(id), "finished") << point << n;
      std::map<std::string, int> keys;
      for (const auto& call : calls_) ++keys[call.idempotency_key];
      EXPECT_EQ(keys.size(), 2u) << point << n;
      EXPECT_LE(calls_.size(), 3u) << point << n;
      ++points;
    }
  }
  EXPECT_EQ(points, 36);
}

TEST_F(SessionTest, ManyWorkersRunEverySessionOnceAndKeepMaxParallel) {
  agent("a", "steps: [{call: t}, {finish: {}}]");
  std::atomic<int> now_running{0}, most{0};
  tool_ = [&](const ToolCall&) {
    const int n = ++now_running;
    int seen = most;
    while (n > seen && !most.compare_exchange_weak(seen, n)) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    --now_running;
    return ok({});
  };
  for (int i = 0; i < 40; ++i) {
    NewInput in;
    in.blueprint = "bp", in.agent_id = "a", in.key = "message:" + std::to_string(i), in.event_id = i + 1,
    in.max_parallel = 2;
    sql_.write("t", [&] { add_input(sql_, now_, in); });
  }
  Runner runner(sql_, ports_, agents_);
  runner.start(6);
  for (int i = 0; i < 1000 && sql_.query("SELECT 1 FROM sessions WHERE state<>'finished'").next(); ++i) {
    runner.poke();
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  runner.stop();
  EXPECT_FALSE(sql_.query("SELECT 1 FROM sessions WHERE state<>'finished'").next());
  EXPECT_EQ(calls_.size(), 40u);
  EXPECT_LE(most, 2);
}

TEST_F(SessionTest, StoppingLeavesTheStepForTheNextStart) {
  agent("a", "steps: [{call: t}, {finish: {}}]");
  Runner runner(sql_, ports_, agents_);
  std::atomic<bool> inside{false}, cancel{false};
  tool_ = [&](const ToolCall&) {
    inside = true;
    while (!cancel) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return ToolOutcome{AOH_E_CANCELLED, {}, "cancelled"};
  };
  const auto id = input();
  runner.start(1);
  while (!inside) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  runner.begin_stop();
  cancel = true;
  runner.stop();
  EXPECT_EQ(state(id), "queued");
  EXPECT_EQ(find_step(sql_, id, "1/0")->status, "started");
  tool_ = [](const ToolCall&) { return ok({}); };
  Runner next(sql_, ports_, agents_);
  run_all(next);
  EXPECT_EQ(state(id), "finished");
  EXPECT_EQ(calls_[0].idempotency_key, calls_[1].idempotency_key);
}

}  // namespace
}  // namespace aoh::host
