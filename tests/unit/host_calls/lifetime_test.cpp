// The life of a call: deadlines, cancellation, finish() too often, too late or never, many at once, the end
// of the host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "fake_module.hpp"
#include "services/faults.hpp"

using namespace aoh::host::test;
using namespace std::chrono_literals;
using aoh::Json;
using aoh::host::CallEngine;
using aoh::host::CallRequest;
using aoh::host::CallResult;
using aoh::host::VirtualClock;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

class Lifetime : public testing::Test {
 protected:
  Lifetime() : engine(std::make_unique<CallEngine>(fake.ports(), clock)) {}
  bool drained() { return engine->drain(std::chrono::steady_clock::now() + 10s); }

  VirtualClock clock;
  FakeModule fake;
  std::unique_ptr<CallEngine> engine;
};

TEST_F(Lifetime, PastTheDeadlineTheCallerIsAnsweredAndTheModuleStaysPinned) {
  Gate gate;
  std::atomic<int> told{0};
  fake.body = [&](aoh_call* call, const Json&) {
    call->on_cancel(
        call, [](void* n) { ++*static_cast<std::atomic<int>*>(n); }, &told);
    gate.wait();
    EXPECT_EQ(call->cancelled(call), 1);
    succeed(call, Json::object());
    return AOH_OK;
  };
  Answer answer;
  engine->start(ask("echo"), answer.done());
  ASSERT_TRUE(gate.arrived(1));
  clock.advance(59 * kSecond);
  EXPECT_FALSE(answer.there());
  EXPECT_EQ(told, 0);
  clock.advance(kSecond);
  const CallResult r = answer.get();
  EXPECT_EQ(r.status, AOH_E_DEADLINE);
  EXPECT_THAT(r.message, HasSubstr("60 s"));
  EXPECT_EQ(told, 1);
  EXPECT_EQ(fake.module().uses(), 1);
  EXPECT_EQ(engine->open_calls(), 1u);
  EXPECT_THAT(fake.closed, IsEmpty());
  gate.open();
  EXPECT_TRUE(drained());
  EXPECT_EQ(fake.module().uses(), 0);
  EXPECT_EQ(fake.opened, fake.closed);
  EXPECT_THAT(fake.breaches(), IsEmpty());
}

TEST_F(Lifetime, ADeadlineInThePastNeverReachesTheModule) {
  fake.body = [](aoh_call*, const Json&) -> aoh_status {
    ADD_FAILURE();
    return AOH_E_INTERNAL;
  };
  CallRequest r = ask("echo");
  r.deadline_ns = clock.monotonic_ns() - 1;
  EXPECT_EQ(engine->call(std::move(r)).status, AOH_E_DEADLINE);
}

TEST_F(Lifetime, FinishTwiceIsABreachAndNotACrash) {
  aoh_call* kept = nullptr;
  fake.body = [&](aoh_call* call, const Json&) {
    kept = call;
    succeed(call, Json{{"first", true}});
    finish(call, AOH_E_INTERNAL);
    return AOH_OK;
  };
  const CallResult r = engine->call(ask("echo"));
  EXPECT_TRUE(r.result["structuredContent"]["first"].boolean());
  ASSERT_TRUE(drained());
  EXPECT_TRUE(fake.breached("finish() came twice"));
  kept->finish(kept, AOH_OK, {nullptr, 0});  // and once more, long after
  kept->progress(kept, 1, 2, {nullptr, 0});
  EXPECT_EQ(fake.breaches().size(), 4u);  // the third one brings the word of the quarantine along
  EXPECT_TRUE(fake.module().quarantined());
}

TEST_F(Lifetime, FinishFromAnotherThreadAfterInvokeReturned) {
  std::thread later;
  Gate gate;
  fake.body = [&](aoh_call* call, const Json&) {
    later = std::thread([&gate, call] {
      gate.wait();
      succeed(call, Json{{"late", true}});
    });
    return AOH_OK;
  };
  Answer answer;
  engine->start(ask("echo"), answer.done());
  ASSERT_TRUE(gate.arrived(1));
  EXPECT_FALSE(answer.there(20ms));
  EXPECT_EQ(fake.module().uses(), 1);
  gate.open();
  EXPECT_TRUE(answer.get().result["structuredContent"]["late"].boolean());
  later.join();
  EXPECT_TRUE(drained());
}

TEST_F(Lifetime, ARefusedInvokeEndsTheCallAndItsFinishIsABreach) {
  aoh_call* kept = nullptr;
  fake.body = [&](aoh_call* call, const Json&) -> aoh_status {
    kept = call;
    return AOH_E_UNSUPPORTED;
  };
  const CallResult r = engine->call(ask("echo"));
  EXPECT_EQ(r.status, AOH_E_UNSUPPORTED);
  ASSERT_TRUE(drained());
  finish(kept, AOH_OK, "{}");
  EXPECT_TRUE(fake.breached("although invoke refused"));
}

TEST_F(Lifetime, ARefusalAfterFinishIsABreach) {
  fake.body = [](aoh_call* call, const Json&) -> aoh_status {
    succeed(call, Json{{"n", 1}});
    return AOH_E_BUSY;
  };
  EXPECT_EQ(engine->call(ask("echo")).status, AOH_OK);
  EXPECT_TRUE(drained());
  EXPECT_TRUE(fake.breached("after finish()"));
}

TEST_F(Lifetime, CancelBeforeAThreadTookItUp) {
  Gate gate;
  std::atomic<int> calls{0};
  fake.body = [&](aoh_call* call, const Json&) {
    ++calls;
    gate.wait();
    succeed(call, Json::object());
    return AOH_OK;
  };
  Answer first, second;
  engine->start(ask("one"), first.done());
  ASSERT_TRUE(gate.arrived(1));
  const std::string id = engine->start(ask("one"), second.done());
  EXPECT_FALSE(second.there(20ms));
  EXPECT_TRUE(engine->cancel(id));
  EXPECT_EQ(second.get().status, AOH_E_CANCELLED);
  EXPECT_FALSE(engine->cancel(id));
  gate.open();
  EXPECT_EQ(first.get().status, AOH_OK);
  EXPECT_EQ(calls, 1);
}

struct Told {
  std::promise<void> promise;
  std::atomic<int> times{0};
  static void tell(void* self) {
    auto* t = static_cast<Told*>(self);
    if (t->times++ == 0) t->promise.set_value();
  }
};

TEST_F(Lifetime, CancelAtWorkIsAdvisoryAndTheModuleAnswers) {
  Told told;
  Gate begun;
  begun.open();
  fake.body = [&](aoh_call* call, const Json&) {
    call->on_cancel(call, &Told::tell, &told);
    begun.wait();
    told.promise.get_future().wait();
    EXPECT_EQ(call->cancelled(call), 1);
    finish(call, AOH_E_CANCELLED);
    return AOH_OK;
  };
  Answer answer;
  const std::string id = engine->start(ask("echo"), answer.done());
  ASSERT_TRUE(begun.arrived(1));
  EXPECT_TRUE(engine->cancel(id));
  EXPECT_EQ(answer.get().status, AOH_E_CANCELLED);
  engine->cancel(id);
  EXPECT_EQ(told.times, 1);
}

TEST_F(Lifetime, ARegistrationAfterTheCancelRunsAtOnceAndALaterOneReplaces) {
  Gate gate;
  Told replaced, kept, late;
  fake.body = [&](aoh_call* call, const Json&) {
    call->on_cancel(call, &Told::tell, &replaced);
    call->on_cancel(call, &Told::tell, &kept);
    gate.wait();
    call->on_cancel(call, &Told::tell, &late);
    finish(call, AOH_E_CANCELLED);
    return AOH_OK;
  };
  Answer answer;
  const std::string id = engine->start(ask("echo"), answer.done());
  ASSERT_TRUE(gate.arrived(1));
  engine->cancel(id);
  gate.open();
  answer.get();
  EXPECT_EQ(replaced.times, 0);
  EXPECT_EQ(kept.times, 1);
  EXPECT_EQ(late.times, 1);
}

TEST_F(Lifetime, FinishWaitsForACancelFunctionThatRuns) {
  struct Slow {
    Gate gate;
    std::atomic<bool> returned{false};
    static void run(void* self) {
      auto* s = static_cast<Slow*>(self);
      s->gate.wait();
      s->returned = true;
    }
  } slow;
  Gate registered;
  fake.body = [&](aoh_call* call, const Json&) {
    call->on_cancel(call, &Slow::run, &slow);
    registered.wait();
    finish(call, AOH_E_CANCELLED);
    EXPECT_TRUE(slow.returned);
    return AOH_OK;
  };
  Answer answer;
  const std::string id = engine->start(ask("echo"), answer.done());
  ASSERT_TRUE(registered.arrived(1));
  std::thread canceller([&] { engine->cancel(id); });
  ASSERT_TRUE(slow.gate.arrived(1));
  registered.open();
  EXPECT_FALSE(answer.there(50ms));
  slow.gate.open();
  EXPECT_EQ(answer.get().status, AOH_E_CANCELLED);
  canceller.join();
  EXPECT_TRUE(drained());  // the tool looks at `slow` after its finish()
}

TEST_F(Lifetime, FinishFromWithinTheCancelFunctionIsABreachAndNoDeadlock) {
  Gate registered;
  fake.body = [&](aoh_call* call, const Json&) {
    call->on_cancel(
        call, [](void* c) { finish(static_cast<aoh_call*>(c), AOH_E_CANCELLED); }, call);
    registered.wait();
    return AOH_OK;
  };
  Answer answer;
  const std::string id = engine->start(ask("echo"), answer.done());
  ASSERT_TRUE(registered.arrived(1));
  engine->cancel(id);
  EXPECT_EQ(answer.get().status, AOH_E_CANCELLED);
  EXPECT_TRUE(fake.breached("from within the cancel function"));
  registered.open();
  EXPECT_TRUE(drained());
}

TEST_F(Lifetime, ProgressOnlyGrowsAndEndsWithTheAnswer) {
  fake.body = [](aoh_call* call, const Json&) {
    const auto report = [&](double done, std::string_view words) {
      call->progress(call, done, 10, aoh::host::borrow(words));
    };
    report(1, "one");
    report(5, "five\nlines");
    report(3, "back");
    report(std::nan(""), "nothing");
    report(5, std::string(5000, 'x'));
    succeed(call, Json::object());
    return AOH_OK;
  };
  std::vector<std::pair<double, std::string>> seen;
  CallRequest r = ask("echo");
  r.progress = [&](double done, double, std::string_view words) { seen.emplace_back(done, words); };
  EXPECT_EQ(engine->call(std::move(r)).status, AOH_OK);
  EXPECT_THAT(seen, ElementsAre(std::pair(1.0, std::string("one")), std::pair(5.0, std::string("five lines")),
                                std::pair(5.0, std::string(AOH_MAX_PROGRESS, 'x'))));
}

TEST_F(Lifetime, AToolsConcurrencyIsKeptWhileOthersPass) {
  Gate gate;
  std::atomic<int> now{0}, most{0};
  fake.body = [&](aoh_call* call, const Json& arguments) {
    if (!arguments["quick"].boolean()) {
      most = std::max(most.load(), ++now);
      gate.wait();
      --now;
    }
    succeed(call, Json::object());
    return AOH_OK;
  };
  std::vector<Answer> slow(5);
  for (auto& a : slow) engine->start(ask("one"), a.done());
  ASSERT_TRUE(gate.arrived(1));
  EXPECT_EQ(engine->call(ask("echo", Json{{"quick", true}})).status, AOH_OK);
  gate.open();
  for (auto& a : slow) EXPECT_EQ(a.get().status, AOH_OK);
  EXPECT_EQ(most, 1);
}

TEST_F(Lifetime, ThePoolIsBoundedAndAFullQueueIsBusy) {
  engine = std::make_unique<CallEngine>(fake.ports(), clock, CallEngine::Options{.threads = 2, .queue = 3});
  Gate gate;
  fake.body = [&](aoh_call* call, const Json&) {
    gate.wait();
    succeed(call, Json::object());
    return AOH_OK;
  };
  std::vector<Answer> answers(5);
  for (int i = 0; i < 2; ++i) engine->start(ask("echo"), answers[i].done());
  ASSERT_TRUE(gate.arrived(2));
  for (int i = 2; i < 5; ++i) engine->start(ask("echo"), answers[i].done());
  EXPECT_EQ(engine->call(ask("echo")).status, AOH_E_BUSY);
  EXPECT_EQ(engine->open_calls(), 5u);
  gate.open();
  for (auto& a : answers) EXPECT_EQ(a.get().status, AOH_OK);
}

TEST_F(Lifetime, AWaitingCallPastItsDeadlineNeverBegins) {
  Gate gate;
  fake.body = [&](aoh_call* call, const Json&) {
    gate.wait();
    succeed(call, Json::object());
    return AOH_OK;
  };
  Answer first, second;
  CallRequest patient = ask("one");
  patient.deadline_ns = clock.monotonic_ns() + 600 * kSecond;
  engine->start(std::move(patient), first.done());
  ASSERT_TRUE(gate.arrived(1));
  engine->start(ask("one"), second.done());
  clock.advance(60 * kSecond);
  EXPECT_THAT(second.get().message, HasSubstr("was not begun"));
  gate.open();
  EXPECT_EQ(first.get().status, AOH_OK);
  EXPECT_EQ(fake.opened.size(), 1u);
}

TEST_F(Lifetime, DrainCancelsWhatRunsAndRefusesWhatComes) {
  Told told;
  Gate begun;
  begun.open();
  fake.body = [&](aoh_call* call, const Json&) {
    call->on_cancel(call, &Told::tell, &told);
    begun.wait();
    told.promise.get_future().wait();
    finish(call, AOH_E_CANCELLED);
    return AOH_OK;
  };
  Answer answer;
  engine->start(ask("echo"), answer.done());
  ASSERT_TRUE(begun.arrived(1));
  EXPECT_TRUE(drained());
  EXPECT_EQ(answer.get().status, AOH_E_CANCELLED);
  EXPECT_EQ(engine->call(ask("echo")).status, AOH_E_STATE);
}

TEST_F(Lifetime, AModuleThatNeverAnswersIsLeftBehindAndMayFinishLater) {
  Gate gate;
  std::promise<void> ended;
  fake.body = [&](aoh_call* call, const Json&) {
    gate.wait();
    succeed(call, Json::object());
    ended.set_value();
    return AOH_OK;
  };
  Answer answer;
  engine->start(ask("echo"), answer.done());
  ASSERT_TRUE(gate.arrived(1));
  EXPECT_FALSE(engine->drain(std::chrono::steady_clock::now() + 20ms));
  EXPECT_EQ(answer.get().status, AOH_E_CANCELLED);
  engine.reset();
  gate.open();
  ended.get_future().wait();
  EXPECT_TRUE(fake.module().destroy(std::chrono::steady_clock::now() + 10s));
}

TEST_F(Lifetime, AQuarantinedModuleIsNotCalled) {
  fake.body = [](aoh_call*, const Json&) -> aoh_status {
    ADD_FAILURE();
    return AOH_E_INTERNAL;
  };
  fake.module().quarantine("it lied");
  const CallResult r = engine->call(ask("echo"));
  EXPECT_EQ(r.status, AOH_E_STATE);
  EXPECT_THAT(r.message, HasSubstr("it lied"));
}

TEST_F(Lifetime, AnInjectedFaultEndsTheCall) {
  fake.body = [](aoh_call*, const Json&) -> aoh_status {
    ADD_FAILURE();
    return AOH_E_INTERNAL;
  };
  aoh::host::faults::configure("call.invoke~echo=fail");
  const CallResult r = engine->call(ask("echo"));
  aoh::host::faults::configure("");
  EXPECT_EQ(r.status, AOH_E_INTERNAL);
  EXPECT_THAT(r.message, HasSubstr("injected"));
  EXPECT_TRUE(drained());
}

TEST_F(Lifetime, ManyCallsFromManyThreadsWithCancelsAndDeadlines) {
  fake.body = [](aoh_call* call, const Json& arguments) {
    call->progress(call, 1, 2, {nullptr, 0});
    if (arguments["n"].integer() % 3 == 0) std::this_thread::sleep_for(1ms);
    succeed(call, Json{{"n", arguments["n"]}});
    return AOH_OK;
  };
  std::atomic<int> answered{0}, wrong{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 200; ++i) {
          CallRequest r = ask("echo", Json{{"n", i}});
          r.deadline_ns = clock.monotonic_ns() + (1 + i % 5) * kSecond;
          r.progress = [](double, double, std::string_view) {};
          const std::string id = engine->start(std::move(r), [&, i](const CallResult& a) {
            ++answered;
            if (a.status == AOH_OK && a.result["structuredContent"]["n"].integer() != i) ++wrong;
          });
          if (i % 7 == t) engine->cancel(id);
          if (i % 50 == 0) clock.advance(kSecond);
        }
      });
  }
  EXPECT_TRUE(drained());
  EXPECT_EQ(answered, 800);
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(fake.module().uses(), 0);
  EXPECT_EQ(fake.opened.size(), fake.closed.size());
  EXPECT_THAT(fake.breaches(), IsEmpty());
}

}  // namespace
