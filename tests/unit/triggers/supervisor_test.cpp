// Sources under a module of the test's own: one transaction a batch, dedupe, back-pressure, restarts,
// breaches.
#include "triggers/supervisor.hpp"

#include <condition_variable>

#include "fixture.hpp"

namespace aoh::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

aoh_str s(std::string_view text) { return {text.data(), text.size()}; }

/// The module's side of all its triggers.
struct FakeModule {
  std::mutex mutex;
  std::vector<aoh_trigger*> started;
  std::vector<std::string> sources, cursors, reconfigured, breaches;
  aoh_status start_status = AOH_OK;
  bool end_when_asked = true;
  int opened = 0, closed = 0;

  SupervisorPorts ports() {
    SupervisorPorts out;
    out.module = [this](std::string_view) {
      SourceModule m;
      m.module = "email";
      m.pin = std::make_shared<int>(1);
      m.start = [this](std::string_view json, std::string_view cursor, aoh_trigger* t) {
        const std::lock_guard lock(mutex);
        sources.emplace_back(json);
        cursors.emplace_back(cursor);
        if (start_status == AOH_OK) started.push_back(t);
        return Outcome{start_status, start_status == AOH_OK ? "" : "no such mailbox", ""};
      };
      m.reconfigure = [this](aoh_trigger*, std::string_view json) {
        const std::lock_guard lock(mutex);
        reconfigured.emplace_back(json);
        return Outcome{};
      };
      m.stop = [this](aoh_trigger* t) {
        if (end_when_asked) t->stopped(t, AOH_OK, {});
      };
      m.breach = [this](std::string_view what) {
        const std::lock_guard lock(mutex);
        breaches.emplace_back(what);
      };
      return m;
    };
    out.opened = [this](auto&&...) { ++opened; };
    out.closed = [this](auto&&...) { ++closed; };
    return out;
  }
  std::size_t starts() {
    const std::lock_guard lock(mutex);
    return sources.size();
  }
  aoh_trigger* trigger(std::size_t i) {
    const std::lock_guard lock(mutex);
    return i < started.size() ? started[i] : nullptr;
  }
  std::vector<std::string> broken() {
    const std::lock_guard lock(mutex);
    return breaches;
  }
};

/// Waits for done() of one emit.
struct Done {
  std::mutex mutex;
  std::condition_variable changed;
  int times = 0;
  aoh_status status = 1;
  static void call(void* arg, aoh_status status) {
    auto* me = static_cast<Done*>(arg);
    const std::lock_guard lock(me->mutex);
    ++me->times;
    me->status = status;
    me->changed.notify_all();
  }
  aoh_status wait() {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return times > 0; }));
    return status;
  }
};

class SupervisorTest : public TriggerTest {
 protected:
  aoh_status emit(aoh_trigger* t, const std::vector<std::string>& keys, std::string_view cursor, Done& done,
                  std::string_view blueprint = "b") {
    std::vector<aoh_event> events;
    const std::string payload = R"({"email": {"subject": "x", "from": [{"address": "a@x.example"}]}})";
    for (const auto& key : keys) {
      events.push_back({sizeof(aoh_event), 0, now_, s("email.received"), s(blueprint), s(key), s(payload)});
    }
    return t->emit(t, events.data(), events.size(),
                   s(R"([{"key": "k", "blueprint": "b", "decision": "matched", "why": "it does"}])"),
                   s(cursor), &Done::call, &done);
  }
  aoh_status emit_and_wait(aoh_trigger* t, const std::vector<std::string>& keys, std::string_view cursor) {
    Done done;
    const auto status = emit(t, keys, cursor, done);
    return status == AOH_OK ? done.wait() : status;
  }
  std::string cursor() {
    Rows rows = sql_.query("SELECT cursor FROM sources");
    return rows.next() ? rows.text(0) : "";
  }
  FakeModule module_;
};

TEST_F(SupervisorTest, BlueprintsAreGroupedBySourceKey) {
  Supervisor supervisor(sql_, ports_, module_.ports());
  supervisor.apply({blueprint("a"), blueprint("b"), blueprint("c", "Other")});
  ASSERT_TRUE(eventually([&] { return module_.starts() == 2; }));
  const auto first = Json::parse(module_.sources[0]);
  EXPECT_EQ(first["source"].str(), "email");
  EXPECT_EQ(first["key"], (Json{{"credential_id", "inbox"}, {"mailbox", "INBOX"}}));
  ASSERT_EQ(first["blueprints"].size(), 2u);
  EXPECT_EQ(first["blueprints"].at(1)["id"].str(), "b");
  EXPECT_TRUE(first["rules"].is_array());
  EXPECT_FALSE(first["trigger_id"].str().empty());
  EXPECT_EQ(module_.cursors[0], "");
  EXPECT_TRUE(supervisor.stop(std::chrono::steady_clock::now() + std::chrono::seconds(5)));
  EXPECT_EQ(module_.opened, 2);
  EXPECT_EQ(module_.closed, 2);
}

TEST_F(SupervisorTest, ABatchIsOneTransactionAndTheSameKeyCountsOnce) {
  {
    Supervisor supervisor(sql_, ports_, module_.ports());
    supervisor.apply({blueprint("b")});
    ASSERT_TRUE(eventually([&] { return module_.trigger(0) != nullptr; }));
    auto* t = module_.trigger(0);
    EXPECT_EQ(emit_and_wait(t, {"1", "2"}, "c1"), AOH_OK);
    EXPECT_EQ(emit_and_wait(t, {"2", "3"}, "c2"), AOH_OK);
    EXPECT_EQ(emit_and_wait(t, {}, "c3"), AOH_OK);
    EXPECT_EQ(count("events"), 3);
    EXPECT_EQ(count("decisions"), 3);
    EXPECT_EQ(cursor(), "c3");
  }
  // The next run starts from the cursor.
  Supervisor supervisor(sql_, ports_, module_.ports());
  supervisor.apply({blueprint("b")});
  ASSERT_TRUE(eventually([&] { return module_.starts() == 2; }));
  EXPECT_EQ(module_.cursors[1], "c3");
}

TEST_F(SupervisorTest, AStoreThatFailsAtAnyPointTakesNothing) {
  Supervisor supervisor(sql_, ports_, module_.ports());
  supervisor.apply({blueprint("b")});
  ASSERT_TRUE(eventually([&] { return module_.trigger(0) != nullptr; }));
  auto* t = module_.trigger(0);
  int key = 0;
  for (const std::string fault : {"trigger.emit", "store.begin~emit", "store.commit~emit"}) {
    const auto before = count("events");
    const auto cursor_before = cursor();
    faults::configure(fault + "=fail");
    EXPECT_EQ(emit_and_wait(t, {std::to_string(++key)}, "new" + fault), AOH_E_INTERNAL) << fault;
    EXPECT_EQ(count("events"), before) << fault;
    EXPECT_EQ(cursor(), cursor_before) << fault;
    EXPECT_EQ(emit_and_wait(t, {std::to_string(key)}, "new" + fault), AOH_OK) << fault;
    EXPECT_EQ(count("events"), before + 1) << fault;
    EXPECT_EQ(cursor(), "new" + fault);
  }
}

TEST_F(SupervisorTest, BusyUntilHalfOfTheBacklogIsDone) {
  SupervisorLimits limits;
  limits.backlog = 4;
  Supervisor supervisor(sql_, ports_, module_.ports(), limits);
  supervisor.apply({blueprint("b")});
  ASSERT_TRUE(eventually([&] { return module_.trigger(0) != nullptr; }));
  auto* t = module_.trigger(0);
  EXPECT_EQ(emit_and_wait(t, {"1", "2", "3", "4"}, "c"), AOH_OK);
  EXPECT_EQ(emit_and_wait(t, {"5"}, "d"), AOH_E_BUSY);
  EXPECT_EQ(emit_and_wait(t, {}, "checkpoint"), AOH_OK);  // adds no work
  std::atomic<int> ready{0};
  t->on_ready(
      t, [](void* arg) { ++*static_cast<std::atomic<int>*>(arg); }, &ready);
  sql_.run("UPDATE events SET state='handed' WHERE dedupe_key='1'");
  supervisor.poke();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(ready, 0);
  sql_.run("UPDATE events SET state='handed' WHERE dedupe_key IN ('2','3')");
  // Nobody says so: the supervisor looks by itself.
  EXPECT_TRUE(eventually([&] { return ready == 1; }));
  EXPECT_EQ(emit_and_wait(t, {"5"}, "d"), AOH_OK);
  supervisor.poke();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(ready, 1);
}

TEST_F(SupervisorTest, EditsReconfigureAndKeepTheCursorRemovalStops) {
  Supervisor supervisor(sql_, ports_, module_.ports());
  supervisor.apply({blueprint("b")});
  ASSERT_TRUE(eventually([&] { return module_.trigger(0) != nullptr; }));
  EXPECT_EQ(emit_and_wait(module_.trigger(0), {"1"}, "c1"), AOH_OK);
  auto edited = blueprint("b");
  edited->match = Json{{"subject_regex", "x"}};
  supervisor.apply({edited, blueprint("b2")});
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(module_.mutex);
    return module_.reconfigured.size() == 1;
  }));
  EXPECT_EQ(Json::parse(module_.reconfigured[0])["blueprints"].size(), 2u);
  EXPECT_EQ(Json::parse(module_.reconfigured[0])["rules"], Json::array());
  const Json rules = Json::array({Json{{"name", "a"}, {"do", Json{{"ignore", true}}}}});
  supervisor.apply_rules("email", rules);
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(module_.mutex);
    return module_.reconfigured.size() == 2;
  }));
  EXPECT_EQ(Json::parse(module_.reconfigured[1])["rules"], rules);
  EXPECT_EQ(Json::parse(module_.reconfigured[1])["blueprints"].size(), 2u);
  supervisor.apply({});
  EXPECT_TRUE(eventually([&] { return supervisor.status().empty(); }));
  EXPECT_EQ(cursor(), "c1");
  EXPECT_EQ(module_.starts(), 1u);
  supervisor.apply({edited});
  ASSERT_TRUE(eventually([&] { return module_.starts() == 2; }));
  EXPECT_EQ(module_.cursors[1], "c1");
}

TEST_F(SupervisorTest, AFailedSourceIsRestartedWithBackoffThenParked) {
  module_.start_status = AOH_E_INVALID;
  SupervisorLimits limits;
  limits.park_after = 3;
  Supervisor supervisor(sql_, ports_, module_.ports(), limits);
  supervisor.apply({blueprint("b")});
  ASSERT_TRUE(eventually([&] { return module_.starts() == 1; }));
  supervisor.poke();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_EQ(module_.starts(), 1u);  // 1 s must pass first
  now_ += kSecond;
  supervisor.poke();
  ASSERT_TRUE(eventually([&] { return module_.starts() == 2; }));
  now_ += 5 * kSecond;
  supervisor.poke();
  ASSERT_TRUE(eventually([&] { return module_.starts() == 3; }));
  ASSERT_TRUE(eventually([&] { return supervisor.status()[0].state == "parked"; }));
  EXPECT_EQ(supervisor.status()[0].error, "no such mailbox");
  now_ += 100'000 * kSecond;
  supervisor.poke();
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_EQ(module_.starts(), 3u);
  EXPECT_TRUE(eventually([&] { return count("sources WHERE state='parked'") == 1; }));
  module_.start_status = AOH_OK;
  supervisor.restart(supervisor.status()[0].key);
  ASSERT_TRUE(eventually([&] { return module_.trigger(0) != nullptr; }));
  // One that ends by itself is started again, too.
  auto* t = module_.trigger(0);
  ASSERT_TRUE(eventually([&] { return supervisor.status()[0].state == "running"; }));
  t->stopped(t, AOH_E_INTERNAL, s("the server went away"));
  ASSERT_TRUE(eventually([&] { return supervisor.status()[0].state == "backoff"; }));
  EXPECT_EQ(supervisor.status()[0].error, "the server went away");
  now_ += 30 * kSecond;
  supervisor.poke();
  ASSERT_TRUE(eventually([&] { return module_.trigger(1) != nullptr; }));
}

TEST_F(SupervisorTest, OtherRulesGiveAParkedSourceAFreshStart) {
  module_.start_status = AOH_E_INVALID;
  SupervisorLimits limits;
  limits.park_after = 1;
  Supervisor supervisor(sql_, ports_, module_.ports(), limits);
  supervisor.apply({blueprint("b")});
  ASSERT_TRUE(eventually([&] { return supervisor.status()[0].state == "parked"; }));
  module_.start_status = AOH_OK;
  supervisor.apply_rules("other", Json::array());
  EXPECT_EQ(supervisor.status()[0].state, "parked");
  supervisor.apply_rules("email", Json::array({Json{{"name", "a"}, {"do", Json{{"ignore", true}}}}}));
  ASSERT_TRUE(eventually([&] { return module_.trigger(0) != nullptr; }));
  EXPECT_TRUE(eventually([&] { return supervisor.status()[0].state == "running"; }));
  EXPECT_EQ(supervisor.status()[0].failures, 0);
}

TEST_F(SupervisorTest, BrokenRulesAreRefusedAndCounted) {
  Supervisor supervisor(sql_, ports_, module_.ports());
  supervisor.apply({blueprint("b")});
  ASSERT_TRUE(eventually([&] { return module_.trigger(0) != nullptr; }));
  auto* t = module_.trigger(0);
  // Two emits at once: the store is held back by a transaction of the test's.
  {
    Done one, two;
    {
      const Transaction hold(db_);
      EXPECT_EQ(emit(t, {"1"}, "c1", one), AOH_OK);
      EXPECT_EQ(emit(t, {"2"}, "c2", two), AOH_E_STATE);
    }
    EXPECT_EQ(one.wait(), AOH_OK);
    EXPECT_EQ(two.times, 0);
  }
  Done done;
  EXPECT_EQ(emit(t, {""}, "c", done), AOH_E_INVALID);
  EXPECT_EQ(emit(t, {std::string(513, 'k')}, "c", done), AOH_E_INVALID);
  EXPECT_EQ(emit(t, {"k"}, std::string(70'000, 'c'), done), AOH_E_INVALID);
  EXPECT_EQ(emit(t, std::vector<std::string>(257, "k"), "c", done), AOH_E_INVALID);
  EXPECT_EQ(t->emit(t, nullptr, 0, s("{}"), s("c"), &Done::call, &done), AOH_E_INVALID);
  EXPECT_EQ(t->emit(t, nullptr, 0, {}, s("c"), nullptr, nullptr), AOH_E_INVALID);
  aoh_event bad{sizeof(aoh_event), 0, 0, s("t"), s("b"), s("k"), s("[1]")};
  EXPECT_EQ(t->emit(t, &bad, 1, {}, s("c"), &Done::call, &done), AOH_E_INVALID);
  bad.struct_size = 7;
  EXPECT_EQ(t->emit(t, &bad, 1, {}, s("c"), &Done::call, &done), AOH_E_INVALID);
  t->health(t, s("not json"));
  t->stopped(t, AOH_OK, {});
  EXPECT_EQ(emit(t, {"k"}, "c", done), AOH_E_STATE);
  t->stopped(t, AOH_OK, {});
  t->health(t, s("{}"));
  EXPECT_EQ(done.times, 0);
  EXPECT_EQ(module_.broken().size(), 13u);
  EXPECT_THAT(module_.broken()[0], HasSubstr("emit: while another one is outstanding"));
  EXPECT_EQ(count("events"), 1);
}

TEST_F(SupervisorTest, LongerEventsOfANewerModuleAreReadByTheirOwnSize) {
  Supervisor supervisor(sql_, ports_, module_.ports());
  supervisor.apply({blueprint("b")});
  ASSERT_TRUE(eventually([&] { return module_.trigger(0) != nullptr; }));
  auto* t = module_.trigger(0);
  struct Newer {
    aoh_event event;
    void* more[3];
  };
  std::vector<Newer> events;
  for (const char* key : {"1", "2", "3"}) {
    events.push_back({{sizeof(Newer), 0, 0, s("t"), s("b"), s(key), s("{}")},
                      {reinterpret_cast<void*>(-1), nullptr, nullptr}});
  }
  Done done;
  EXPECT_EQ(t->emit(t, &events[0].event, 3, {}, s("c"), &Done::call, &done), AOH_OK);
  EXPECT_EQ(done.wait(), AOH_OK);
  EXPECT_EQ(count("events WHERE dedupe_key IN ('1','2','3')"), 3);
}

TEST_F(SupervisorTest, HealthIsKept) {
  Supervisor supervisor(sql_, ports_, module_.ports());
  supervisor.apply({blueprint("b")});
  ASSERT_TRUE(eventually([&] { return module_.trigger(0) != nullptr; }));
  auto* t = module_.trigger(0);
  ASSERT_TRUE(eventually([&] { return count("sources") == 1; }));
  t->health(t, s(R"({"state": "idle", "lag_ms": 7})"));
  EXPECT_EQ(supervisor.status()[0].health["lag_ms"], Json(7));
  EXPECT_TRUE(eventually([&] { return count("sources WHERE health LIKE '%idle%'") == 1; }));
}

TEST_F(SupervisorTest, ASourceThatDoesNotEndIsNamedByTheDeadline) {
  module_.end_when_asked = false;
  Supervisor supervisor(sql_, ports_, module_.ports());
  supervisor.apply({blueprint("b")});
  ASSERT_TRUE(eventually([&] { return module_.trigger(0) != nullptr; }));
  auto* t = module_.trigger(0);
  EXPECT_FALSE(supervisor.stop(std::chrono::steady_clock::now() + std::chrono::milliseconds(100)));
  EXPECT_TRUE(eventually([&] { return t->stopping(t) == 1; }));
  t->stopped(t, AOH_OK, {});
  EXPECT_TRUE(supervisor.stop(std::chrono::steady_clock::now() + std::chrono::seconds(5)));
}

TEST_F(SupervisorTest, ManySourcesEmitAtOnce) {
  Supervisor supervisor(sql_, ports_, module_.ports());
  std::vector<std::shared_ptr<const Blueprint>> all;
  for (int i = 0; i < 8; ++i) all.push_back(blueprint("b", "box" + std::to_string(i)));
  supervisor.apply(all);
  ASSERT_TRUE(eventually([&] { return module_.trigger(7) != nullptr; }));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      auto* t = module_.trigger(i);
      for (int n = 0; n < 20; ++n) {
        EXPECT_EQ(
            emit_and_wait(t, {std::to_string(i) + "/" + std::to_string(n), "shared" + std::to_string(n)},
                          std::to_string(n)),
            AOH_OK);
        t->health(t, s(R"({"state": "idle"})"));
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    supervisor.status();
    supervisor.poke();
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(count("events"), 8 * 20 + 20);
  EXPECT_EQ(count("sources WHERE cursor='19'"), 8);
}

TEST_F(SupervisorTest, AsManyDecisionsAsTheHeaderSaysAndNoMore) {
  Supervisor supervisor(sql_, ports_, module_.ports());
  supervisor.apply({blueprint("b")});
  ASSERT_TRUE(eventually([&] { return module_.trigger(0) != nullptr; }));
  auto* t = module_.trigger(0);
  Json decisions = Json::array();
  for (std::size_t i = 0; i < AOH_MAX_DECISIONS; ++i)
    decisions.push(
        Json{{"key", std::to_string(i)}, {"blueprint", "b"}, {"decision", "ignored"}, {"why", "no match"}});
  Done done, refused;
  EXPECT_EQ(t->emit(t, nullptr, 0, s(decisions.dump()), s("1"), &Done::call, &done), AOH_OK);
  EXPECT_EQ(done.wait(), AOH_OK);
  EXPECT_EQ(count("decisions"), static_cast<std::int64_t>(AOH_MAX_DECISIONS));
  decisions.push(Json{{"key", "k"}, {"blueprint", "b"}, {"decision", "ignored"}});
  EXPECT_EQ(t->emit(t, nullptr, 0, s(decisions.dump()), s("2"), &Done::call, &refused), AOH_E_INVALID);
  EXPECT_EQ(refused.times, 0);
  EXPECT_EQ(cursor(), "1");
  ASSERT_FALSE(module_.broken().empty());
  EXPECT_THAT(module_.broken().back(), HasSubstr("65536"));
}

}  // namespace
}  // namespace aoh::host
