// Watchers against the real Dovecot of tests/rig.
#include <gtest/gtest.h>

#include <set>

#include "email_fakes/fake_host.hpp"
#include "rig/rig.hpp"
#include "watch/watcher.hpp"

namespace mailroom::watch {
namespace {

using mailroom::testing::FakeHost;
using mailroom::testing::FakeTrigger;
using mailroom::testing::Rig;

struct RigWatch : ::testing::Test {
  static void SetUpTestSuite() { rig = std::make_unique<Rig>(); }
  static void TearDownTestSuite() { rig.reset(); }
  static std::unique_ptr<Rig> rig;

  // Each test has its own mailbox.
  RigWatch()
      : user(std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) + "@rig.test") {
    account(rig->host());
    fake.secrets["w/password"] = rig->password();
  }
  void account(const std::string& host) {
    fake.credentials["w"] =
        aoh::Json{{"id", "w"},
                  {"type", "mail"},
                  {"email", user},
                  {"ca_file", rig->ca_file()},
                  {"imap", {{"host", host}, {"port", rig->imap_tls_port()}, {"tls", "implicit"}}}};
  }
  aoh::Json source(const aoh::Json& match = aoh::Json::object(), const char* start_from = "now") {
    return aoh::Json{
        {"source", "email"},
        {"trigger_id", "t1"},
        {"key", {{"credential_id", "w"}, {"mailbox", "INBOX"}}},
        {"blueprints",
         aoh::Json::array({aoh::Json{{"id", "bp"}, {"match", match}, {"start_from", start_from}}})}};
  }
  std::shared_ptr<Watcher> start(FakeTrigger& t, const aoh::Json& from, std::string_view cursor = {}) {
    return Watcher::start(runtime, Source::from(from), cursor, std::make_shared<aoh::Trigger>(t.c()));
  }
  void stop(FakeTrigger& t, const std::shared_ptr<Watcher>& w) {
    t.stopping = true;
    w->stop();
    EXPECT_TRUE(t.wait([](FakeTrigger& x) { return x.has_stopped(); }));
  }
  static bool is(FakeTrigger& t, const char* state) { return t.last_health()["state"].str() == state; }
  static std::vector<std::string> subjects(FakeTrigger& t) {
    std::vector<std::string> out;
    for (const auto& e : t.events()) out.push_back(e.payload.path("email.subject").str());
    return out;
  }

  std::string user;
  FakeHost fake;
  host::Config config = [] {
    host::Config c;
    c.poll_interval = std::chrono::seconds(1);
    return c;
  }();
  host::Runtime runtime{fake.c(), config};
};
std::unique_ptr<Rig> RigWatch::rig;

TEST_F(RigWatch, HandsOverWhatArrivesDuringIdleOnce) {
  rig->deliver({.to = user, .subject = "before"});
  rig->maildir(user, 1);
  FakeTrigger t;
  const auto w = start(t, source({{"subject_regex", "quote"}}));
  ASSERT_TRUE(t.wait([](FakeTrigger& x) { return is(x, "idle"); })) << t.last_health().dump();
  rig->deliver({.to = user, .subject = "Quote {n}", .count = 5});
  rig->deliver({.to = user, .subject = "other"});
  ASSERT_TRUE(
      t.wait([](FakeTrigger& x) { return x.events().size() == 5 && x.decisions().size() == 6; }, 15'000))
      << t.decisions().dump();
  const auto events = t.events();
  std::set<std::string> keys;
  for (const auto& e : events) keys.insert(e.dedupe_key);
  EXPECT_EQ(keys.size(), 5u);
  EXPECT_NE(events[0].payload.path("email.body_text").str().find("This is message"), std::string::npos);
  // The count follows the host's word that the events are stored, on the watcher's own strand.
  for (int i = 0; i < 500 && w->status()["handed_over"].integer() < 5; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(w->status()["handed_over"].integer(), 5);
  stop(t, w);
}

TEST_F(RigWatch, CatchesUpFromTheCursorAfterDowntime) {
  FakeTrigger first;
  auto w = start(first, source());
  ASSERT_TRUE(first.wait([](FakeTrigger& x) { return is(x, "idle"); })) << first.last_health().dump();
  stop(first, w);
  rig->deliver({.to = user, .subject = "Down {n}", .count = 120});
  rig->maildir(user, 120, 60);
  FakeTrigger second;
  w = start(second, source(), first.cursor());
  ASSERT_TRUE(second.wait([](FakeTrigger& x) { return x.events().size() == 120; }, 20'000))
      << second.events().size();
  stop(second, w);
  FakeTrigger third;
  w = start(third, source(), second.cursor());
  ASSERT_TRUE(third.wait([](FakeTrigger& x) { return is(x, "idle"); }));
  EXPECT_TRUE(third.events().empty());
  stop(third, w);
}

TEST_F(RigWatch, StartFromAll) {
  rig->deliver({.to = user, .subject = "Old {n}", .count = 3});
  rig->maildir(user, 3);
  FakeTrigger t;
  const auto w = start(t, source(aoh::Json::object(), "all"));
  ASSERT_TRUE(t.wait([](FakeTrigger& x) { return is(x, "idle"); })) << t.last_health().dump();
  EXPECT_EQ(t.events().size(), 3u);
  stop(t, w);
}

TEST_F(RigWatch, PollsWhereIdleIsMissing) {
  account(rig->no_idle_host());
  FakeTrigger t;
  const auto w = start(t, source());
  ASSERT_TRUE(t.wait([](FakeTrigger& x) { return is(x, "polling"); })) << t.last_health().dump();
  rig->deliver({.to = user, .subject = "polled"});
  ASSERT_TRUE(t.wait([](FakeTrigger& x) { return x.events().size() == 1; }, 10'000));
  stop(t, w);
}

TEST_F(RigWatch, ABusyHostAndAFailingOneLoseNothing) {
  FakeTrigger t;
  const auto w = start(t, source());
  ASSERT_TRUE(t.wait([](FakeTrigger& x) { return is(x, "idle"); })) << t.last_health().dump();
  t.busy = 3;
  t.fail = 1;
  rig->deliver({.to = user, .subject = "S {n}", .count = 3});
  ASSERT_TRUE(t.wait([](FakeTrigger& x) { return x.events().size() == 3; }, 20'000))
      << t.last_health().dump();
  stop(t, w);
}

TEST_F(RigWatch, SurvivesARestartOfTheServer) {
  FakeTrigger t;
  const auto w = start(t, source());
  ASSERT_TRUE(t.wait([](FakeTrigger& x) { return is(x, "idle"); })) << t.last_health().dump();
  rig->stop_dovecot();
  ASSERT_TRUE(t.wait([](FakeTrigger& x) { return is(x, "backoff"); }, 10'000)) << t.last_health().dump();
  EXPECT_FALSE(t.last_health()["last_error"].str().empty());
  rig->start_dovecot();
  ASSERT_TRUE(t.wait([](FakeTrigger& x) { return is(x, "idle"); }, 30'000)) << t.last_health().dump();
  EXPECT_FALSE(t.last_health().has("last_error"));
  rig->deliver({.to = user, .subject = "after"});
  ASSERT_TRUE(t.wait([](FakeTrigger& x) { return x.events().size() == 1; }, 10'000));
  stop(t, w);
}

TEST_F(RigWatch, ComesBackWithoutASearchWhereNothingCame) {
  rig->deliver({.to = user, .subject = "Before {n}", .count = 3});
  rig->maildir(user, 3);
  host::Config traced = config;
  traced.trace = true;
  host::Runtime own(fake.c(), traced);
  /// How many searches the watch took until it was in IDLE with so many events.
  const auto searches = [&](FakeTrigger& t, const std::string& cursor, std::size_t events) {
    {
      const std::lock_guard lock(fake.mutex);
      fake.wire.clear();
    }
    const auto w = Watcher::start(own, Source::from(source(aoh::Json::object(), "all")), cursor,
                                  std::make_shared<aoh::Trigger>(t.c()));
    EXPECT_TRUE(t.wait([&](FakeTrigger& x) { return x.events().size() == events && is(x, "idle"); }, 15'000))
        << t.last_health().dump();
    stop(t, w);
    const std::lock_guard lock(fake.mutex);
    return std::count_if(fake.wire.begin(), fake.wire.end(), [](const std::string& line) {
      return line.find("UID SEARCH") != std::string::npos;
    });
  };
  FakeTrigger first, second, third;
  EXPECT_GT(searches(first, "", 3), 0);
  EXPECT_EQ(searches(second, first.cursor(), 0), 0);
  EXPECT_FALSE(fake.wire.empty());
  rig->deliver({.to = user, .subject = "While away"});
  rig->maildir(user, 4);
  EXPECT_GT(searches(third, first.cursor(), 1), 0);
  EXPECT_EQ(subjects(third), std::vector<std::string>{"While away"});
}

TEST_F(RigWatch, AWrongPasswordIsSaidAndARightOneHelpsAtOnce) {
  fake.secrets["w/password"] = "planted-wrong-secret";
  FakeTrigger t;
  const auto w = start(t, source());
  ASSERT_TRUE(t.wait([](FakeTrigger& x) { return is(x, "failed"); }, 15'000)) << t.last_health().dump();
  EXPECT_FALSE(t.last_health()["cure"].str().empty());
  EXPECT_EQ(t.last_health().dump().find("planted-wrong-secret"), std::string::npos);
  fake.secrets["w/password"] = rig->password();
  w->credential_changed();
  EXPECT_TRUE(t.wait([](FakeTrigger& x) { return is(x, "idle"); }, 10'000)) << t.last_health().dump();
  stop(t, w);
}

TEST_F(RigWatch, ANewNumberingHandsNothingOverTwice) {
  rig->deliver({.to = user, .subject = "Known {n}", .count = 4});
  rig->maildir(user, 4);
  FakeTrigger first;
  auto w = start(first, source(aoh::Json::object(), "all"));
  ASSERT_TRUE(first.wait([](FakeTrigger& x) { return x.events().size() == 4 && is(x, "idle"); }));
  stop(first, w);
  rig->deliver({.to = user, .subject = "Unknown"});
  rig->maildir(user, 5);
  // The same mailbox, as if the server had numbered it anew since.
  aoh::Json cursor = aoh::Json::parse(first.cursor());
  cursor.set("uid_validity", cursor["uid_validity"].integer() + 1);
  FakeTrigger second;
  w = start(second, source(), cursor.dump());
  ASSERT_TRUE(second.wait([](FakeTrigger& x) { return is(x, "idle"); })) << second.last_health().dump();
  EXPECT_EQ(subjects(second), std::vector<std::string>{"Unknown"});
  EXPECT_EQ(second.decisions().size(), 5u);
  EXPECT_FALSE(aoh::Json::parse(second.cursor()).has("before")) << "the comparison is over";
  stop(second, w);
}

TEST_F(RigWatch, StartedAndStoppedManyTimes) {
  std::string cursor;
  for (int i = 0; i < 30; ++i) {
    FakeTrigger t;
    const auto w = start(t, source(), cursor);
    if (i % 3 == 0) t.wait([](FakeTrigger& x) { return is(x, "idle"); });
    stop(t, w);
    if (!t.cursor().empty()) cursor = t.cursor();
  }
}

TEST_F(RigWatch, RenewsIdleByTheHostsClock) {
  auto clock = std::make_shared<aoh::host::VirtualClock>();
  FakeHost later(clock);
  later.credentials = fake.credentials;
  later.secrets = fake.secrets;
  host::Runtime own(later.c(), host::Config{});
  FakeTrigger t;
  const auto w = Watcher::start(own, Source::from(source()), {}, std::make_shared<aoh::Trigger>(t.c()));
  ASSERT_TRUE(t.wait([](FakeTrigger& x) { return is(x, "idle"); })) << t.last_health().dump();
  const auto idles = [](FakeTrigger& x) {
    const auto states = x.states();
    return std::count(states.begin(), states.end(), "idle");
  };
  const auto before = idles(t);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  clock->advance(std::int64_t{1499} * 1'000'000'000);
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_EQ(idles(t), before);
  clock->advance(std::int64_t{2} * 1'000'000'000);
  EXPECT_TRUE(t.wait([&](FakeTrigger& x) { return idles(x) == before + 1; }));
  stop(t, w);
}

}  // namespace
}  // namespace mailroom::watch
