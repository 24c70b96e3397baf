// A watcher against a server that goes wrong, under a clock that the test turns. Each scenario ends with its
// verdict: what was missed, what came twice, and after which time by that clock all was well again.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "email_fakes/fake_host.hpp"
#include "watch/scripted_imap.hpp"
#include "watch/watcher.hpp"

namespace mailroom::watch {

using mailroom::testing::FakeHost;
using mailroom::testing::FakeTrigger;
using mailroom::testing::ScriptedImap;
using Command = ScriptedImap::Command;
using Strings = std::vector<std::string>;

/// Tells when the next timer is due, and lets the wall's time jump without the monotonic.
struct TestClock : aoh::host::VirtualClock {
  std::int64_t wall_ns() const override { return VirtualClock::wall_ns() + jump; }
  /// Until the next timer; INT64_MAX: there is none.
  std::int64_t next_in_ns() const {
    const std::int64_t now = monotonic_ns();
    const std::lock_guard lock(mutex_);
    return next_due() == INT64_MAX ? INT64_MAX : std::max<std::int64_t>(0, next_due() - now);
  }
  /// Moves on to the next timer; stands still where there is none.
  void to_next_timer() {
    if (const std::int64_t left = next_in_ns(); left != INT64_MAX) advance(left);
  }
  std::atomic<std::int64_t> jump = 0;
};

struct Faults : ::testing::Test {
  Faults() {
    fake.secrets["w/password"] = "pw";
    fake.credentials["w"] = aoh::Json{
        {"id", "w"},
        {"type", "mail"},
        {"email", "w@x.test"},
        {"require_tls", false},
        {"imap", {{"host", "127.0.0.1"}, {"port", static_cast<int>(imap.port())}, {"tls", "none"}}}};
  }
  ~Faults() override { stop(); }

  void start(const char* start_from = "all", const aoh::Json& match = aoh::Json::object(),
             const aoh::Json& rules = aoh::Json::array()) {
    stop();
    const std::string cursor = trigger ? trigger->cursor() : "";
    triggers.push_back(std::make_unique<FakeTrigger>());
    trigger = triggers.back().get();
    const aoh::Json source{
        {"trigger_id", "t1"},
        {"key", {{"credential_id", "w"}, {"mailbox", "INBOX"}}},
        {"rules", rules},
        {"blueprints",
         aoh::Json::array({aoh::Json{{"id", "bp"}, {"match", match}, {"start_from", start_from}}})}};
    watcher =
        Watcher::start(runtime, Source::from(source), cursor, std::make_shared<aoh::Trigger>(trigger->c()));
  }
  void stop() {
    if (!watcher) return;
    trigger->stopping = true;
    watcher->stop();
    EXPECT_TRUE(until([&] { return trigger->has_stopped(); }));
    for (const auto& e : trigger->events()) handed_before.push_back(e.payload.path("email.subject").str());
    watcher.reset();
  }
  /// As if it were all new: no cursor, nothing handed over.
  void forget() {
    stop();
    trigger = nullptr;
    handed_before.clear();
  }

  /// Waits for `done`, ten seconds at most; where the watcher waits for better times, they come at once.
  bool until(const std::function<bool()>& done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done() && std::chrono::steady_clock::now() < limit) {
      if (is("backoff") || is("failed")) clock->to_next_timer();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return done();
  }
  /// The server is silent: each time-out comes as it is due, until the watcher has given up the connection
  /// that it had at breaks().
  bool found_out() {
    return until([&] {
      if (backoffs() > backoffs_before) return true;
      clock->to_next_timer();
      return false;
    });
  }
  std::ptrdiff_t backoffs() {
    const auto states = trigger->states();
    return std::count(states.begin(), states.end(), "backoff");
  }
  /// In IDLE, with nothing due for a while: what the watcher looks at again soon it has looked at.
  bool idles() {
    return until([&] {
      const bool there = imap.idling() && is("idle");
      const std::int64_t next = clock->next_in_ns();
      if (there && next < 17'000'000'000) clock->to_next_timer();
      return there && next > 120'000'000'000 && next != INT64_MAX;
    });
  }
  bool is(const char* state) { return trigger->last_health()["state"].str() == state; }
  /// In IDLE, everything that is in the mailbox dealt with.
  bool settled() {
    return until([&] { return imap.idling() && is("idle"); });
  }
  bool handed_over(std::size_t n) {
    return until([&] { return trigger->events().size() >= n; }) && settled();
  }

  /// Subjects over all starts, sorted.
  Strings subjects() {
    Strings out = handed_before;
    if (watcher)
      for (const auto& e : trigger->events()) out.push_back(e.payload.path("email.subject").str());
    std::sort(out.begin(), out.end());
    return out;
  }
  /// "m3: why" of each decision of this kind since the last start.
  Strings decided(const char* what) {
    Strings out;
    const aoh::Json all = trigger->decisions();
    for (const aoh::Json& d : all.items())
      if (d["decision"].str() == what) out.push_back(d["key"].str() + ": " + d["why"].str());
    return out;
  }
  std::string text_of(const std::string& subject) {
    for (const auto& e : trigger->events())
      if (e.payload.path("email.subject").str() == subject) return e.payload.path("email.body_text").str();
    return "none";
  }
  std::int64_t last_uid() { return aoh::Json::parse(trigger->cursor())["last_uid"].integer(); }
  std::string health() { return trigger->last_health().dump() + trigger->decisions().dump(); }

  /// From here on it is broken.
  void breaks() {
    broken_at = clock->monotonic_ns();
    backoffs_before = trigger ? backoffs() : 0;
  }
  /// All is well again: the longest time between breaks() and here counts.
  void well() {
    if (broken_at != 0) took = std::max(took, clock->monotonic_ns() - broken_at);
    broken_at = 0;
  }
  /// Judges and prints one row of docs/watching.md. `put_in`: the subjects of what had to come, each exactly
  /// once.
  void verdict(const char* row, const char* scenario, Strings put_in, std::chrono::seconds within) {
    well();
    std::sort(put_in.begin(), put_in.end());
    const Strings came = subjects();
    Strings missed, doubled;
    std::set_difference(put_in.begin(), put_in.end(), came.begin(), came.end(), std::back_inserter(missed));
    std::set_difference(came.begin(), came.end(), put_in.begin(), put_in.end(), std::back_inserter(doubled));
    const double s = static_cast<double>(took) / 1e9;
    std::printf("%s | %s | missed %zu doubled %zu | recovered after %.1f s (virtual)\n", row, scenario,
                missed.size(), doubled.size(), s);
    EXPECT_EQ(missed, Strings{}) << row << health();
    EXPECT_EQ(doubled, Strings{}) << row << health();
    EXPECT_LE(s, static_cast<double>(within.count())) << row;
    took = 0;
  }

  ScriptedImap imap;
  std::shared_ptr<TestClock> clock = std::make_shared<TestClock>();
  FakeHost fake{clock};
  std::vector<std::unique_ptr<FakeTrigger>> triggers;
  FakeTrigger* trigger = nullptr;
  Strings handed_before;
  std::int64_t broken_at = 0, took = 0;  // 0: it is not broken
  std::ptrdiff_t backoffs_before = 0;
  std::shared_ptr<Watcher> watcher;
  host::Config config;
  host::Runtime runtime{fake.c(), config};  // last: its threads use the others
};

}  // namespace mailroom::watch
