// What a watcher says of itself, and what the host's metrics show of it.
#include "services/host_services.hpp"
#include "services/metrics.hpp"
#include "watch/faults.hpp"

namespace mailroom::watch {
namespace {

// What the host would show of the one watcher.
struct Measured {
  explicit Measured(std::shared_ptr<Watcher> w) : watcher(std::move(w)) {
    measures.on_collect([](void* self) { static_cast<Measured*>(self)->measure(); }, this);
  }
  void measure() { watcher->measure(measures); }
  /// The value of the one series; its label "state", too.
  double operator()(const char* name, std::string* state = nullptr) {
    for (const auto& f : metrics.collect())
      if (f.name == name && f.series.size() == 1) {
        for (const auto& [label, value] : f.series[0].labels)
          if (label == "state" && state) *state = value;
        return f.series[0].value;
      }
    return -1;
  }
  std::string state() {
    std::string state;
    const bool alive = (*this)("email_watcher_alive", &state) == 1;
    return state + (alive ? ", alive" : "");
  }

  std::shared_ptr<Watcher> watcher;
  aoh::host::Redactor redactor;
  aoh::host::Metrics metrics{redactor};
  aoh::host::Services services = [this] {
    aoh::host::Services s;
    s.metrics = &metrics;
    return s;
  }();
  aoh::host::InstanceHost instance{services, "email", {AOH_METRICS_ID}, {}};
  Measures measures{instance.c()};
};

TEST_F(Faults, AServerThatHasGoneSilentIsAskedAndNeverCalledWell) {
  start();
  ASSERT_TRUE(settled()) << health();
  Measured measured(watcher);
  const auto status = [&] { return watcher->status(); };
  EXPECT_EQ(status()["state"].str(), "idle");
  EXPECT_EQ(measured.state(), "idle, alive");

  imap.silence(true);
  const auto before_due = std::chrono::nanoseconds(config.idle_renew) - std::chrono::seconds(1);
  clock->advance(before_due.count());
  EXPECT_EQ(status()["silent_s"].integer(), before_due / std::chrono::seconds(1));
  EXPECT_EQ(measured("email_watcher_silent_seconds"),
            static_cast<double>(before_due / std::chrono::seconds(1)));
  EXPECT_EQ(measured.state(), "idle, alive");
  clock->advance(1'000'000'000);  // it is asked
  EXPECT_EQ(status()["state"].str(), "probing");
  EXPECT_EQ(measured.state(), "probing");
  ASSERT_TRUE(until([&] {
    const Strings all = imap.commands();
    return std::find(all.begin(), all.end(), "DONE") != all.end();
  }));
  imap.add("while nobody heard it");
  EXPECT_EQ(status()["state"].str(), "probing");
  clock->advance(60'000'000'000);  // and a minute later at most it counts as gone
  ASSERT_TRUE(
      trigger->wait([](FakeTrigger& t) { return t.last_health()["state"].str() == "backoff"; }, 10'000));
  EXPECT_EQ(status()["state"].str(), "backoff");
  EXPECT_EQ(measured.state(), "backoff");
  EXPECT_NE(status()["last_error"].str(), "");

  imap.silence(false);
  ASSERT_TRUE(handed_over(1)) << health();
  EXPECT_EQ(subjects(), Strings{"while nobody heard it"});
  EXPECT_EQ(measured.state(), "idle, alive");
  EXPECT_EQ(measured("email_watcher_silent_seconds"), 0);
  EXPECT_EQ(measured("email_watcher_reconnects_total"), 1);
  EXPECT_EQ(measured("email_watcher_handed_over_total"), 1);
  EXPECT_EQ(status()["reconnects"].integer(), 1);
  EXPECT_TRUE(status()["hand_over_ms"].is_null()) << "found by looking, not told";
  imap.deliver("told");
  ASSERT_TRUE(handed_over(2)) << health();
  EXPECT_EQ(status()["hand_over_ms"].integer(-1), 0) << "time stood still";
}

}  // namespace
}  // namespace mailroom::watch
