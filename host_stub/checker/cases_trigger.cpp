// Cases about trigger sources. Time runs a thousand times faster, so that slow sources show what they do.
#include <set>
#include <thread>

#include "checker/context.hpp"

namespace aoh::host::checker {
namespace {

using Path = std::filesystem::path;
using std::chrono::seconds;

constexpr milliseconds kStop{3000};

/// Runs `fn` for each source of the module, in one instance; a module without sources passes.
template <class Fn>
void each_source(const Path& library, Fn fn) {
  Live live(library, {.clock = FakeHost::ClockKind::fast});
  if (live.manifest().trigger_sources.empty()) pass("the module has no trigger sources");
  live.create();
  for (const TriggerSource& s : live.manifest().trigger_sources) fn(live, s);
  live.destroy();
  expect_no_breach(*live.host);
}

FakeTrigger* start(Live& live, const TriggerSource& s, const std::string& id, const std::string& cursor = {},
                   FakeTrigger::Options options = {}) {
  auto* const t = new FakeTrigger(*live.host, id, options);  // stays when stopped() never comes
  step("starting the source " + s.source);
  const Outcome o = live.module->trigger_start(source_json(s, id), cursor, t->c());
  if (!o) fail("trigger_start of " + s.source + " failed: " + o.message);
  return t;
}

void stop(Live& live, const TriggerSource& s, FakeTrigger* t) {
  step("stopping the source " + s.source);
  t->ask_to_stop();
  live.module->trigger_stop(t->c());
  if (!t->wait_stopped(kStop)) fail(s.source + ": stopped() did not come within 3 s of trigger_stop()");
}

void start_stop(const Path& library) {
  each_source(library, [](Live& live, const TriggerSource& s) {
    for (int i = 0; i < 100; ++i) {
      FakeTrigger* const t = start(live, s, "check-" + std::to_string(i));
      if (i % 4 == 1) std::this_thread::sleep_for(milliseconds(1));
      if (i % 20 == 2) std::this_thread::sleep_for(milliseconds(30));
      stop(live, s, t);
    }
    std::this_thread::sleep_for(milliseconds(50));  // for a stopped() that comes twice
  });
}

void health(const Path& library) {
  each_source(library, [](Live& live, const TriggerSource& s) {
    FakeTrigger* const t = start(live, s, "check-health");
    step("waiting for the health of " + s.source);
    if (!t->wait_health(seconds(5)))
      fail(s.source + ": it said nothing about its health within 5 s of its start");
    stop(live, s, t);
  });
}

void one_emit(const Path& library) {
  std::string note;
  each_source(library, [&](Live& live, const TriggerSource& s) {
    FakeTrigger* const t = start(live, s, "check-held", {}, {.hold_done = true});
    step("waiting for events of " + s.source);
    if (!t->wait_held(milliseconds(1500))) {
      note = s.source + " emitted nothing here";
      return stop(live, s, t);
    }
    std::this_thread::sleep_for(milliseconds(200));  // a second emit() would come now
    expect_no_breach(*live.host);
    t->ask_to_stop();
    live.module->trigger_stop(t->c());
    std::this_thread::sleep_for(milliseconds(50));
    expect_no_breach(*live.host);  // stopped() must wait for the batch
    t->release();
    if (!t->wait_stopped(kStop))
      fail(s.source + ": stopped() did not come within 3 s of the end of its last emit");
  });
  pass(note);
}

void busy(const Path& library) {
  std::string note;
  each_source(library, [&](Live& live, const TriggerSource& s) {
    FakeTrigger* const t = start(live, s, "check-busy", {}, {.busy_first = 3, .fail_first = 1});
    step("waiting for events of " + s.source + " after AOH_E_BUSY");
    const bool stored = t->wait_batches(1, seconds(4));
    if (!stored && t->busy_answers() == 0) {
      note = s.source + " emitted nothing here";
    } else if (!stored) {
      fail(s.source +
           ": it emitted nothing more after AOH_E_BUSY; emit again when on_ready's function runs, or later");
    }
    stop(live, s, t);
    FakeTrigger* const b = start(live, s, "check-busy-stop", {}, {.busy_first = 1'000'000});
    std::this_thread::sleep_for(milliseconds(150));
    stop(live, s, b);
  });
  pass(note);
}

void reconfigure(const Path& library) {
  each_source(library, [](Live& live, const TriggerSource& s) {
    FakeTrigger* const t = start(live, s, "check-reconfigure");
    for (int i = 1; i <= 10; ++i) {
      step("reconfiguring " + s.source);
      const Outcome o = live.module->trigger_reconfigure(t->c(), source_json(s, "check-reconfigure", i));
      if (!o && o.status != AOH_E_UNSUPPORTED)
        fail("trigger_reconfigure of " + s.source + " failed: " + o.message);
    }
    for (const char* broken : {"{", "[]", "{\"source\":5}", ""}) {
      step("reconfiguring " + s.source + " with nonsense");
      live.module->trigger_reconfigure(t->c(), broken);
    }
    expect(t->stops() == 0,
           s.source + ": it ended after a reconfiguration that it refused; the old one should go on");
    stop(live, s, t);
    step("starting " + s.source + " with nonsense");
    FakeTrigger* const n = new FakeTrigger(*live.host, "check-nonsense");
    const Outcome o = live.module->trigger_start("{", "", n->c());
    expect(!o, s.source + ": trigger_start took a cut-off document");
    expect(n->stops() == 0, s.source + ": trigger_start refused and called stopped() all the same");
  });
}

void cursor(const Path& library) {
  std::string note;
  each_source(library, [&](Live& live, const TriggerSource& s) {
    FakeTrigger* const first = start(live, s, "check-cursor");
    step("waiting for events of " + s.source);
    const bool any = first->wait_batches(3, milliseconds(2500));
    stop(live, s, first);
    if (!any || first->cursor().empty()) {
      note = s.source + " emitted nothing here";
      return;
    }
    std::set<std::pair<std::string, std::string>> seen;
    for (const auto& e : first->events())
      if (!seen.insert({e.blueprint, e.dedupe_key}).second)
        fail(s.source + ": it emitted the dedupe_key " + e.dedupe_key +
             " twice although the first was stored");
    FakeTrigger* const second = start(live, s, "check-cursor", first->cursor());
    second->wait_batches(3, milliseconds(2500));
    stop(live, s, second);
    for (const auto& e : second->events())
      if (seen.contains({e.blueprint, e.dedupe_key}))
        fail(s.source + ": started with the cursor that was stored, it emitted " + e.dedupe_key + " again");
  });
  pass(note);
}

void destroyed_with_triggers_gone(const Path& library) {
  each_source(library, [](Live& live, const TriggerSource& s) {
    const ProcessFacts before = ProcessFacts::now();
    FakeTrigger* const t = start(live, s, "check-a");
    FakeTrigger* const u = start(live, s, "check-b");
    std::this_thread::sleep_for(milliseconds(100));
    stop(live, s, u);
    stop(live, s, t);
    live.destroy();
    const std::string changed = settled_difference(before);
    // Threads of the instance that started with create() are gone now too; only what is more than before
    // counts.
    if (!changed.empty()) fail(s.source + ": after its end " + changed);
    expect(live.host->pending_timers() == 0, s.source + ": it left " +
                                                 std::to_string(live.host->pending_timers()) +
                                                 " timers with aoh.clock/1 after destroy()");
    live.module = std::make_unique<Module>(live.manifest(), live.module->file(), live.module->functions());
    live.create();
  });
}

}  // namespace

std::vector<Case> trigger_cases() {
  return {{"trigger-start-stop", "each source started and stopped 100 times; stopped() comes once, and soon",
           start_stop},
          {"trigger-health", "a source says how it is, also when its server is not there", health},
          {"trigger-one-emit", "one emit at a time, and stopped() only after it", one_emit},
          {"trigger-busy", "back-pressure is obeyed and nothing is lost over it", busy},
          {"trigger-reconfigure", "new blueprints are taken, nonsense is refused", reconfigure},
          {"trigger-cursor", "after a restart it goes on at its cursor", cursor},
          {"trigger-cleans-up", "no thread, descriptor or timer is left of a source",
           destroyed_with_triggers_gone}};
}

}  // namespace aoh::host::checker
