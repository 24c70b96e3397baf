// Agents that are programs, on the runner, with a tool that is a function: what they get, what the ledger
// says, what goes on after an interruption. The misbehaving ones: tests/e2e/agents_test.py.
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <future>

#include "fixture.hpp"
#include "support/fd.hpp"

namespace aoh::host {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CommandTest : public SessionTest {
 protected:
  CommandTest() {
    ports_.agent_guard = std::filesystem::path(std::getenv("MAILROOM_BUILD_DIR")) / "bin/agent-guard";
    ports_.tools = [](const Json&) {
      std::vector<OfferedTool> all;
      for (const auto* name : {"look", "other"})
        all.push_back({Json{{"name", name}, {"inputSchema", Json{{"type", "object"}}}}, true, true, false});
      all.push_back(
          {Json{{"name", "loose"}, {"inputSchema", Json{{"type", "object"}}}}, false, false, false});
      all.push_back({Json{{"name", "send"}, {"inputSchema", Json{{"type", "object"}}}}, true, false, true});
      return all;
    };
  }
  /// An agent of tests/e2e/agents/agent.py; `words` is YAML: "calls, look".
  void program(const std::string& words, const std::string& more = "") {
    const std::string script = std::string(std::getenv("MAILROOM_SOURCE_DIR")) + "/tests/e2e/agents/agent.py";
    std::ofstream(dir_ / "agents" / "a.yaml") << "agent_id: a\ntype: command\ncommand: [python3, " << script
                                              << ", " << words << "]\ngrants: {$trigger: [read]}\n"
                                              << more;
  }
  std::string run(const std::string& key = "message:1", Json on_finish = Json::array()) {
    const auto id = input(key, "a", std::move(on_finish));
    Runner runner(sql_, ports_, agents_);
    run_all(runner);
    return id;
  }
  void run_again() {
    Runner runner(sql_, ports_, agents_);
    run_all(runner);
  }
  void retry(const std::string& id) {
    sql_.run("UPDATE inputs SET state='queued' WHERE session_id=?", id);
    sql_.run("UPDATE sessions SET state='queued', due_ns=0, attempts=0 WHERE id=?", id);
  }
  std::vector<std::string> ledger(const std::string& id) {
    std::vector<std::string> out;
    for (const auto& s : steps_of(sql_, id, 1)) out.push_back(s.step + " " + s.tool + " " + s.status);
    return out;
  }
  std::vector<std::string> keys() {
    std::vector<std::string> out;
    for (const auto& c : calls_) out.push_back(c.idempotency_key.substr(c.idempotency_key.find(':') + 1));
    return out;
  }
  Json output(const std::string& id) { return find_step(sql_, id, "1/finish")->result; }
};

TEST_F(CommandTest, ItGetsItsInputItsToolsAndNothingOfTheHosts) {
  ::setenv("AOH_VAULT_KEY", "planted-secret", 1);
  ::setenv("PASSED_ON", "yes", 1);
  program("finishes, all", "environment: {OWN: 1}\npass: [PASSED_ON]\n");
  const auto id = run();
  ASSERT_EQ(state(id), "finished") << error_of(id);
  const Json out = output(id), said = Json::parse(out["output_html"].str());
  EXPECT_EQ(out["output_text"].str(), "all");
  EXPECT_EQ(said["tools"], Json::array({"look", "other", "send", "session_finish"}));
  EXPECT_EQ(said["input"]["trigger"]["email"]["message_id"].str(), "m1");
  EXPECT_EQ(said["input"]["inputs"]["subject"].str(), "Quote <1>");
  EXPECT_EQ(said["input"]["session_id"].str(), id);
  EXPECT_EQ(said["input"]["done_before"], Json::array());
  const Json& environment = said["environment"];
  EXPECT_EQ(environment["OWN"].str(), "1");
  EXPECT_EQ(environment["PASSED_ON"].str(), "yes");
  EXPECT_EQ(environment["AOH_SESSION"].str(), id);
  for (const auto& variable : environment.members())
    EXPECT_EQ(variable.value.str().find("planted"), std::string::npos) << variable.key;
  EXPECT_FALSE(environment.has("MAILROOM_BUILD_DIR"));
  EXPECT_EQ(said["fds"].size(), 4u);  // 0, 1, 2, and the one that looked
  EXPECT_EQ(said["cwd"].str(), (dir_ / "agents").string());
  EXPECT_TRUE(said["group"].boolean());
  ::unsetenv("AOH_VAULT_KEY");
}

TEST_F(CommandTest, CallsGoThroughTheLedgerAndOnFinishFollows) {
  program("calls, look, other");
  tool_ = [](const ToolCall& c) { return ok(Json{{"tool", c.tool}}); };
  const auto id = run("message:1", reply(1));
  ASSERT_EQ(state(id), "finished") << error_of(id);
  EXPECT_THAT(ledger(id), ElementsAre("1/0 look done", "1/1 other done", "1/finish  done",
                                      "on_finish/reply_email/1 email_reply done"));
  EXPECT_THAT(keys(), ElementsAre("1/0", "1/1", "on_finish/reply_email/1"));
  EXPECT_EQ(calls_[1].arguments, (Json{{"n", 1}}));
  EXPECT_EQ(calls_[1].grants, (Json{{"inbox", Json::array({"read"})}}));
  EXPECT_GT(calls_[1].time_limit_ns, 0);
  const Json answers = Json::parse(output(id)["output_text"].str());
  EXPECT_EQ(answers.at(1)["structuredContent"]["tool"].str(), "other");
  EXPECT_TRUE(answers.at(1)["content"].is_array());
}

TEST_F(CommandTest, TheRevisionWithoutHandshakeWorksToo) {
  program("without_handshake");
  const auto id = run();
  ASSERT_EQ(state(id), "finished") << error_of(id);
  EXPECT_EQ(output(id)["output_text"].str(), "2026-07-28");
}

TEST_F(CommandTest, AListOfToolsIsAllThatItGets) {
  program("finishes", "tools: [look, loose]\n");
  const auto id = run();
  ASSERT_EQ(state(id), "finished") << error_of(id);
  EXPECT_EQ(Json::parse(output(id)["output_html"].str())["tools"],
            Json::array({"look", "loose", "session_finish"}));
  program("finishes", "tools: [lok]\n");
  EXPECT_THAT(error_of(run("message:2")), HasSubstr("names the tool \"lok\""));
}

TEST_F(CommandTest, AnErrorOfAToolIsTheAgentsToDealWith) {
  program("repeats, look");
  int n = 0;
  tool_ = [&](const ToolCall&) { return ++n < 3 ? error(Json{{"temporary", true}}) : ok(Json::object()); };
  const auto id = run();
  EXPECT_EQ(state(id), "finished") << error_of(id);
  EXPECT_THAT(keys(), ElementsAre("1/0", "1/0", "1/0"));  // temporary: the same work, the same key
  EXPECT_THAT(ledger(id), ElementsAre("1/0 look done", "1/finish  done"));
}

TEST_F(CommandTest, AfterAPlainRefusalTheSameCallIsNewWork) {
  program("repeats, look");
  int n = 0;
  tool_ = [&](const ToolCall&) { return ++n < 2 ? error(Json::object()) : ok(Json::object()); };
  const auto id = run();
  EXPECT_EQ(state(id), "finished") << error_of(id);
  EXPECT_THAT(keys(), ElementsAre("1/0", "1/1"));
  EXPECT_THAT(ledger(id), ElementsAre("1/0 look failed", "1/1 look done", "1/finish  done"));
}

TEST_F(CommandTest, AStatusIsAPlainRefusalOnlyWhereTheToolWasNotReached) {
  for (const auto status : {AOH_E_INVALID, AOH_E_DENIED, AOH_E_NOT_FOUND})
    for (const bool reached : {false, true}) {
      program("repeats, look", "limits: {refusals: 1}\n");
      calls_.clear();
      int n = 0;
      tool_ = [&](const ToolCall&) {
        return ++n < 2 ? ToolOutcome{status, {}, "no", reached} : ok(Json::object());
      };
      const auto id = run("message:" + std::to_string(status) + (reached ? "r" : "n"));
      EXPECT_EQ(state(id), "finished") << error_of(id);
      EXPECT_THAT(keys(), ElementsAre("1/0", reached ? "1/0" : "1/1")) << status;
    }
}

TEST_F(CommandTest, ARefusalOfTheRepetitionDoesNotSettleWhatTheFirstDid) {
  program("repeats, look", "limits: {refusals: 1}\n");
  int n = 0;
  tool_ = [&](const ToolCall&) {
    return ++n == 1 ? ToolOutcome{AOH_E_INTERNAL, {}, "it crashed"}
           : n == 2 ? ToolOutcome{AOH_E_NOT_FOUND, {}, "its module is gone", false}
                    : ok(Json::object());
  };
  const auto id = run();
  EXPECT_EQ(state(id), "finished") << error_of(id);
  EXPECT_THAT(keys(), ElementsAre("1/0", "1/0", "1/0"));
}

TEST_F(CommandTest, AfterAnOutcomeThatIsUnknownTheKeyStays) {
  program("repeats, look");
  int n = 0;
  tool_ = [&](const ToolCall&) {
    return ++n < 2 ? ToolOutcome{AOH_E_INTERNAL, {}, "it crashed"} : ok(Json::object());
  };
  const auto id = run();
  EXPECT_EQ(state(id), "finished") << error_of(id);
  EXPECT_THAT(keys(), ElementsAre("1/0", "1/0"));
}

TEST_F(CommandTest, AnUncertainStepEndsTheTurnUncertain) {
  program("calls, send, look");
  tool_ = [](const ToolCall&) { return error(Json{{"state", "uncertain"}, {"outbox_id", "o1"}}); };
  const auto id = run();
  EXPECT_EQ(state(id), "failed");
  EXPECT_THAT(ledger(id), ElementsAre("1/0 send uncertain"));
  // A person says that it was sent: it goes on, and the tool answers from its record.
  EXPECT_EQ(sql_.write("t", [&] { return settle_uncertain(sql_, "o1", true, now_); }), id);
  tool_ = [](const ToolCall&) { return ok(Json{{"state", "sent"}}); };
  run_again();
  EXPECT_EQ(state(id), "finished") << error_of(id);
  EXPECT_THAT(keys(), ElementsAre("1/0", "1/0", "1/1"));
}

TEST_F(CommandTest, AfterACrashWhatWasBegunIsFinishedAndWhatIsRepeatedIsAnsweredFromTheRecord) {
  program("calls, look, send, other");
  const auto id = input();
  // As a crash within the second call leaves it.
  sql_.write("t", [&] {
    start_step(sql_, id, 1, {"1/0", "call", "look", "", "", Json{{"n", 0}}, {}, 0}, now_);
    end_step(sql_, id, "1/0", "done", Json{{"structuredContent", Json{{"kept", true}}}}, "", now_);
    start_step(sql_, id, 1, {"1/1", "call", "send", "", "", Json{{"n", 1}}, {}, 0}, now_);
  });
  run_again();
  EXPECT_EQ(state(id), "finished") << error_of(id);
  EXPECT_THAT(keys(), ElementsAre("1/1", "1/2"));
  EXPECT_THAT(ledger(id), ElementsAre("1/0 look done", "1/1 send done", "1/2 other done", "1/finish  done"));
  EXPECT_TRUE(Json::parse(output(id)["output_text"].str()).at(0)["structuredContent"]["kept"].boolean());
}

TEST_F(CommandTest, WhatWasSentIsNotSentAgainInOtherWords) {
  const std::string count = (dir_ / "count").string();
  program("words_it_anew, send, " + count, "limits: {calls: 1}\n");
  std::ofstream(count) << "x";  // the first start is on record as wording 1
  const auto id = input();
  sql_.write("t", [&] {
    start_step(sql_, id, 1, {"1/0", "call", "send", "", "", Json{{"text", "wording 1"}}, {}, 0}, now_);
    end_step(sql_, id, "1/0", "done", Json{{"structuredContent", Json{{"state", "sent"}}}}, "", now_);
  });
  run_again();
  EXPECT_THAT(error_of(id), HasSubstr("limit of 1 calls"));  // the second call, of two, was one too many
  program("words_it_anew, send, " + count);
  retry(id);
  run_again();
  EXPECT_EQ(state(id), "finished") << error_of(id);
  EXPECT_THAT(calls_, IsEmpty());
  EXPECT_THAT(output(id)["output_text"].str(), HasSubstr("is not sent twice in other words"));
}

TEST_F(CommandTest, WhatMayHaveBeenSentIsNotSentInOtherWordsEither) {
  program("calls, send, send");  // with {"n": 0}, then with {"n": 1}
  tool_ = [](const ToolCall&) { return ToolOutcome{AOH_E_DEADLINE, {}, "too slow"}; };
  const auto id = run();
  EXPECT_EQ(state(id), "finished") << error_of(id);
  EXPECT_THAT(keys(), ElementsAre("1/0"));
  EXPECT_THAT(output(id)["output_text"].str(), HasSubstr("is not sent twice in other words"));
}

TEST_F(CommandTest, ALargeInputThatNobodyReadsIsNotHeldTwice) {
  program("asks_without_reading, 3000", "limits: {time: 3s, steps: 100000}\n");
  NewInput in;
  in.blueprint = "bp", in.agent_id = "a", in.key = "message:1", in.event_id = 1;
  in.inputs = Json{{"text", std::string(2 << 20, 'x')}};  // 6 GB, if all were answered
  const auto id = sql_.write("t", [&] { return add_input(sql_, now_, in); });
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  run_again();
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_THAT(error_of(id), HasSubstr("time limit of 3 s"));
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 200 << 10);  // KiB
}

TEST_F(CommandTest, ARetryAfterAFailureTakesUpWhatIsDone) {
  program("calls, look, other, look", "limits: {calls: 2}\n");
  const auto id = run();
  EXPECT_EQ(state(id), "failed");
  EXPECT_THAT(error_of(id), HasSubstr("limit of 2 calls"));
  program("calls, look, other, look");
  retry(id);
  run_again();
  EXPECT_EQ(state(id), "finished") << error_of(id);
  EXPECT_THAT(keys(), ElementsAre("1/0", "1/1", "1/2"));
}

TEST_F(CommandTest, ACallThatTheAgentGivesUpIsCancelledAndNotAnswered) {
  program("cancels, look");
  tool_ = [](const ToolCall& call) {
    std::promise<void> cancelled;
    const std::stop_callback on_cancel(call.cancelled, [&] { cancelled.set_value(); });
    cancelled.get_future().wait();
    return ToolOutcome{AOH_E_CANCELLED, {}, "cancelled"};
  };
  const auto id = run();
  EXPECT_EQ(state(id), "finished") << error_of(id);
  EXPECT_THAT(ledger(id), ElementsAre("1/0 look failed", "1/finish  done"));
  EXPECT_EQ(find_step(sql_, id, "1/0")->error, "the agent gave the call up");
}

TEST_F(CommandTest, AnIdThatIsUsedAgainIsNotAnsweredForTheCallThatWasGivenUp) {
  program("cancels_and_reuses_the_id, look");
  tool_ = [](const ToolCall& call) {
    if (call.arguments["n"].integer() == 1) return ok(Json{{"n", 1}});
    std::promise<void> cancelled;
    const std::stop_callback on_cancel(call.cancelled, [&] { cancelled.set_value(); });
    cancelled.get_future().wait();
    return ok(Json{{"n", 0}});  // it was too late
  };
  const auto id = run();
  ASSERT_EQ(state(id), "finished") << error_of(id);
  EXPECT_EQ(Json::parse(output(id)["output_text"].str())["result"]["structuredContent"]["n"].integer(), 1);
  EXPECT_THAT(ledger(id), ElementsAre("1/0 look done", "1/1 look done", "1/finish  done"));
}

TEST_F(CommandTest, WhatItWroteBeforeItsEndCounts) {
  program("at_once, look, 5");
  const auto id = run();
  EXPECT_EQ(state(id), "finished") << error_of(id);
  EXPECT_THAT(keys(), ElementsAre("1/0", "1/1", "1/2", "1/3", "1/4"));
  EXPECT_EQ(output(id)["output_text"].str(), "blind");
}

TEST_F(CommandTest, ResultsTaintTheSession) {
  program("calls, look");
  tool_ = [](const ToolCall&) {
    auto outcome = ok(Json::object());
    outcome.result.set("_meta", Json{{"aoh", Json{{"taint", Json::array({"mail:x"})}}}});
    return outcome;
  };
  const auto id = run();
  EXPECT_EQ(state(id), "finished") << error_of(id);
  EXPECT_EQ(session_taint(sql_, id), Json::array({"mail:x"}));
}

TEST_F(CommandTest, AProgramThatIsNotThereIsSaidSo) {
  std::ofstream(dir_ / "agents" / "a.yaml") << "agent_id: a\ntype: command\ncommand: [./missing]\n";
  EXPECT_THAT(error_of(run()), HasSubstr("\"./missing\" cannot be started: No such file or directory"));
  ports_.agent_guard.clear();
  EXPECT_THAT(error_of(run("message:2")), HasSubstr("no agent-guard"));
}

TEST_F(CommandTest, WhatStopsTheGuardFromStartingForGoodFailsTheTurn) {
  program("finishes");
  const auto guard = dir_ / "guard";
  ports_.agent_guard = guard;
  const auto missing = run("message:1");
  EXPECT_EQ(state(missing), "failed");
  EXPECT_THAT(error_of(missing), AllOf(HasSubstr("No such file"), HasSubstr(guard.string() + " has to be")));
  std::ofstream(guard) << "not a program";
  const auto forbidden = run("message:2");
  EXPECT_EQ(state(forbidden), "failed");
  EXPECT_THAT(error_of(forbidden), AllOf(HasSubstr("Permission denied"), HasSubstr("to be executable")));
}

TEST_F(CommandTest, AnEnvironmentThatIsTooLargeFailsTheTurn) {
  ::setenv("PASSED_ON", std::string(1 << 18, 'x').c_str(), 1);  // more than one variable may have
  program("finishes", "pass: [PASSED_ON]\n");
  const auto id = run();
  ::unsetenv("PASSED_ON");
  EXPECT_EQ(state(id), "failed");
  EXPECT_THAT(error_of(id), AllOf(HasSubstr("too long"), HasSubstr("shorten `command`")));
}

TEST_F(CommandTest, ItsLastWordsAreToldWithoutWhatItWasPassed) {
  ::setenv("PASSED_ON", "planted-key-of-a-model", 1);
  program("exits, 3, \"bad key: planted-key-of-a-model\"", "pass: [PASSED_ON]\n");
  EXPECT_EQ(error_of(run()), "the program ended with exit status 3; its last words: bad key: [PASSED_ON]");
}

TEST_F(CommandTest, APassedValueThatIsTheBeginningOfAnotherHidesAllOfIt) {
  ::setenv("PASSED_ON", "planted-key", 1);
  ::setenv("PASSED_TOO", "planted-key-of-a-model", 1);
  program("tells, PASSED_TOO", "pass: [PASSED_ON, PASSED_TOO]\n");
  EXPECT_EQ(error_of(run()), "the program ended with exit status 3; its last words: [PASSED_TOO]");
  // Nor where two of them overlap.
  ::setenv("PASSED_TOO", "key-of-a-model", 1);
  program("exits, 3, \"a planted-key-of-a-model!\"", "pass: [PASSED_ON, PASSED_TOO]\n");
  EXPECT_EQ(error_of(run("message:2")),
            "the program ended with exit status 3; its last words: a [PASSED_ON][PASSED_TOO]!");
  ::unsetenv("PASSED_TOO");
}

TEST_F(CommandTest, APassedValueThatTheKeptWordsBeginWithinIsNotShownEither) {
  std::string secret;
  while (secret.size() < 3000) secret += "planted-" + std::to_string(secret.size()) + "-";
  ::setenv("PASSED_ON", secret.c_str(), 1);
  // So often that it is cut off somewhere.
  program("tells, PASSED_ON, 10", "pass: [PASSED_ON]\n");
  EXPECT_EQ(error_of(run()), "the program ended with exit status 3; its last words: [PASSED_ON]");
  ::setenv("PASSED_ON", "planted-key-of-a-model", 1);
  program("tells, PASSED_ON, 1000", "pass: [PASSED_ON]\n");
  EXPECT_EQ(error_of(run("message:2")), "the program ended with exit status 3; its last words: [PASSED_ON]");
}

TEST_F(CommandTest, AProcessOfOthersThatHoldsItsOutputDoesNotHoldTheTurn) {
  const std::string path = (dir_ / "socket").string();
  const Fd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  ASSERT_EQ(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
  ASSERT_EQ(::listen(listening.get(), 1), 0);
  // This process is not of the program's tree.
  auto held = std::async(std::launch::async, [&] {
    const Fd from(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    char byte = 0;
    iovec data{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    int fd = -1;
    if (::recvmsg(from.get(), &message, MSG_CMSG_CLOEXEC) == 1)
      if (const cmsghdr* header = CMSG_FIRSTHDR(&message)) std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return Fd(fd);
  });
  program("hands_its_output_on, " + path);
  const auto id = run();
  ::shutdown(listening.get(), SHUT_RDWR);  // if the program never came
  const Fd output = held.get();
  EXPECT_EQ(state(id), "finished") << error_of(id);
  EXPECT_TRUE(output);
}

TEST_F(CommandTest, TheHostsStopDoesNotThrowAnAcceptedEndAway) {
  const std::string file = (dir_ / "pid").string();
  program("lingers, " + file);
  const auto id = input();
  {
    Runner runner(sql_, ports_, agents_);
    runner.start(1);
    while (!std::filesystem::exists(file)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    runner.stop();
  }
  ASSERT_TRUE(find_step(sql_, id, "1/finish"));
  EXPECT_EQ(output(id)["output_text"].str(), "done");
  program("exits, 3");  // it is not started again
  run_again();
  EXPECT_EQ(state(id), "finished") << error_of(id);
}

TEST_F(CommandTest, TheHostsStopEndsTheProgramAndTheTurnIsRunAgain) {
  const std::string file = (dir_ / "pid").string();
  program("hangs, " + file);
  const auto id = input();
  {
    Runner runner(sql_, ports_, agents_);
    runner.start(1);
    while (!std::filesystem::exists(file)) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    runner.stop();
  }
  pid_t pid = 0;
  std::ifstream(file) >> pid;
  ASSERT_GT(pid, 1);
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(state(id), "queued");
  program("finishes");
  run_again();
  EXPECT_EQ(state(id), "finished") << error_of(id);
}

TEST_F(CommandTest, AStoreThatFailsWithinACallLeavesNothingBehind) {
  program("calls, look, other");
  const auto id = input();
  faults::configure("store.begin~session.result@1=fail");
  Runner runner(sql_, ports_, agents_);
  EXPECT_TRUE(runner.run_one());
  faults::configure("");
  EXPECT_EQ(state(id), "waiting");
  now_ += 31 * kSecond;
  run_all(runner);
  EXPECT_EQ(state(id), "finished") << error_of(id);
  EXPECT_THAT(keys(), ElementsAre("1/0", "1/0", "1/1"));
}

}  // namespace
}  // namespace aoh::host
