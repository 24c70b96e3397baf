// The connection goes wrong: silent, cut off, refused, or out of time (docs/watching.md).
#include <filesystem>

#include "watch/faults.hpp"

namespace mailroom::watch {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::int64_t kSecond = 1'000'000'000;

// FIN and RST never come. TCP's keep-alive is the kernel's and no part of this: the renewal finds it out
// alone.
TEST_F(Faults, AHalfOpenConnectionIsFoundOutAtTheRenewal) {
  imap.add("m1");
  start();
  ASSERT_TRUE(handed_over(1) && idles()) << health();
  breaks();
  imap.go_deaf();
  imap.deliver("m2");
  ASSERT_TRUE(found_out()) << health();
  ASSERT_TRUE(handed_over(2)) << health();
  EXPECT_EQ(imap.count("DONE"), 1u);
  verdict("half-open TCP", "no FIN, no RST, in IDLE", {"m1", "m2"}, minutes(27));
}

TEST_F(Faults, ANatThatHasForgottenTheConnectionCostsOneRenewal) {
  fake.credentials["w"].set("idle_renew_s", 180);
  imap.add("m1");
  start();
  ASSERT_TRUE(handed_over(1) && idles()) << health();
  breaks();
  imap.go_deaf();
  imap.deliver("m2");
  clock->advance(180 * kSecond);
  ASSERT_TRUE(until([&] { return imap.count("DONE") == 1; })) << health();
  imap.reset();
  ASSERT_TRUE(handed_over(2)) << health();
  verdict("NAT drops the idle connection", "RST to the next packet, idle_renew_s 180", {"m1", "m2"},
          minutes(4));
}

TEST_F(Faults, AfterADayTheWatcherStillHears) {
  start();
  ASSERT_TRUE(idles()) << health();
  const std::int64_t begin = clock->monotonic_ns();
  for (std::size_t n = 1; clock->monotonic_ns() - begin < 24 * 3600 * kSecond; ++n) {
    clock->to_next_timer();
    ASSERT_TRUE(until([&] { return imap.count("IDLE") > n; }) && idles()) << health();
  }
  EXPECT_GE(imap.count("DONE"), 57u);
  EXPECT_EQ(imap.connections(), 1u);
  breaks();
  imap.deliver("m1");
  ASSERT_TRUE(handed_over(1) && idles()) << health();
  verdict("a watcher silently dead after a day", "24 h of renewals, then mail", {"m1"}, seconds(1));
  breaks();
  imap.go_deaf();
  imap.deliver("m2");
  ASSERT_TRUE(found_out() && handed_over(2)) << health();
  verdict("a watcher silently dead after a day", "then the line dies without a word", {"m1", "m2"},
          minutes(27));
}

// A clock that stands still meanwhile, as Linux's does, and one that does not.
TEST_F(Faults, ASuspendWithANewAddressIsSurvived) {
  start();
  ASSERT_TRUE(idles()) << health();
  imap.go_deaf();
  imap.deliver("m1");
  clock->jump += std::chrono::nanoseconds(hours(8)).count();
  breaks();
  ASSERT_TRUE(found_out() && handed_over(1) && idles()) << health();
  verdict("suspend and new address", "8 h, timers stood still", {"m1"}, minutes(27));
  imap.go_deaf();
  imap.deliver("m2");
  breaks();
  clock->advance(std::chrono::nanoseconds(hours(8)).count());
  broken_at = clock->monotonic_ns();
  ASSERT_TRUE(found_out() && handed_over(2)) << health();
  verdict("suspend and new address", "8 h, timers went on", {"m1", "m2"}, minutes(2));
}

TEST_F(Faults, OneTimeOutNeverSwitchesTheWatcherOff) {
  Strings all;
  for (const std::string verb : {"greeting", "AUTHENTICATE", "EXAMINE", "UID SEARCH", "UID FETCH", "IDLE"}) {
    SCOPED_TRACE(verb);
    std::atomic<bool> silent = false;
    imap.fault([&](const Command& c) {
      if (c.verb != verb || silent.exchange(true)) return false;
      imap.go_deaf();
      return true;
    });
    all.push_back("m" + std::to_string(all.size()));
    imap.add(all.back());
    if (watcher)
      imap.cut();
    else
      start();
    ASSERT_TRUE(until([&] { return silent.load(); })) << health();
    breaks();
    ASSERT_TRUE(found_out()) << health();
    ASSERT_TRUE(handed_over(all.size()) && idles()) << health();
    imap.fault(nullptr);
    verdict("one time-out that switches the trigger off", ("silence at " + verb).c_str(), all, minutes(4));
  }
}

TEST_F(Faults, AThrottledSignInIsWaitedForAndNoPasswordIsBlamed) {
  imap.add("m1");
  start();
  ASSERT_TRUE(handed_over(1)) << health();
  std::atomic<int> refusals = 3;
  imap.fault([&](const Command& c) {
    if (c.verb != "AUTHENTICATE" || refusals == 0) return false;
    --refusals;
    imap.say(c.tag + " NO [UNAVAILABLE] Too many login attempts\r\n");
    return true;
  });
  breaks();
  imap.add("m2");
  imap.cut();
  ASSERT_TRUE(handed_over(2)) << health();
  const auto states = trigger->states();
  EXPECT_EQ(std::count(states.begin(), states.end(), "failed"), 0);
  verdict("throttled sign-in", "refused 3 times", {"m1", "m2"}, minutes(15));
}

TEST_F(Faults, AServerThatRestartsIsComeBackTo) {
  imap.add("m1");
  start();
  ASSERT_TRUE(handed_over(1)) << health();
  std::atomic<int> down = 6;
  imap.fault([&](const Command& c) {
    if (c.verb != "greeting" || down == 0) return false;
    --down;
    imap.cut();
    return true;
  });
  breaks();
  imap.say("* BYE [UNAVAILABLE] restarting\r\n");
  imap.cut();
  imap.add("m2");
  ASSERT_TRUE(handed_over(2)) << health();
  EXPECT_EQ(down, 0);
  verdict("server restart", "BYE, then 6 connections refused", {"m1", "m2"}, minutes(3));
}

TEST_F(Faults, WhoIsNotConnectedDoesNotSayIdle) {
  start();
  ASSERT_TRUE(idles()) << health();
  const std::pair<const char*, std::function<void()>> ends[] = {{"cut", [&] { imap.cut(); }},
                                                                {"RST", [&] { imap.reset(); }},
                                                                {"BYE",
                                                                 [&] {
                                                                   imap.say("* BYE bye\r\n");
                                                                   imap.cut();
                                                                 }},
                                                                {"silence", [&] {
                                                                   imap.go_deaf();
                                                                   EXPECT_TRUE(found_out()) << health();
                                                                 }}};
  Strings all;
  for (const auto& [name, end] : ends) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(idles()) << health();
    const std::size_t before = trigger->states().size();
    std::atomic<int> down = 3;
    imap.fault([&](const Command& c) {
      if (c.verb != "greeting" || down == 0) return false;
      --down;
      imap.cut();
      return true;
    });
    breaks();
    end();
    all.push_back(name);
    imap.add(all.back());
    ASSERT_TRUE(until([&] {
      const aoh::Json status = watcher->status();
      if (down > 0 && status["state"].str() == "backoff") {
        EXPECT_FALSE(status["last_error"].str().empty());
        EXPECT_FALSE(status["retry_at"].str().empty());
      }
      return down == 0;
    })) << health();
    ASSERT_TRUE(handed_over(all.size())) << health();
    auto states = trigger->states();
    states.erase(states.begin(), states.begin() + static_cast<std::ptrdiff_t>(before));
    const auto back = std::find(states.begin(), states.end(), "fetching");
    EXPECT_EQ(std::count(states.begin(), back, "idle") + std::count(states.begin(), back, "polling"), 0);
    EXPECT_GE(std::count(states.begin(), back, "backoff"), 3);
    imap.fault(nullptr);
    verdict("'active' in the status while dead", name, all, minutes(28));
  }
}

std::size_t sockets() {
  std::size_t n = 0;
  std::error_code gone;
  for (const auto& fd : std::filesystem::directory_iterator("/proc/self/fd"))
    n += std::filesystem::read_symlink(fd.path(), gone).string().starts_with("socket:");
  return n;
}

TEST_F(Faults, NoConnectionIsLeftBehind) {
  start();
  ASSERT_TRUE(idles()) << health();
  const std::size_t before = sockets();
  Strings all;
  for (unsigned i = 0; i < 60; ++i) {
    const unsigned connections = imap.connections();
    breaks();
    all.push_back("m" + std::to_string(i));
    imap.add(all.back());
    if (i % 4 == 0) imap.cut();
    if (i % 4 == 1) imap.reset();
    if (i % 4 == 2) imap.say("* BYE bye\r\n");  // and the connection stays open: ours is to close
    if (i % 4 == 3) imap.say("garbage\r\n");
    ASSERT_TRUE(until([&] { return imap.connections() > connections && subjects().size() == all.size(); }) &&
                idles())
        << i << health();
    well();
    if (i % 20 == 19) {
      start();
      ASSERT_TRUE(idles()) << health();
    }
  }
  EXPECT_EQ(sockets(), before);
  verdict("connections leaked until the server's limit", "60 breaks of 4 kinds, 3 restarts", all,
          seconds(10));
}

TEST_F(Faults, ClockJumpsMoveNothing) {
  start("all", {{"newer_than", "3650d"}});
  ASSERT_TRUE(idles()) << health();
  breaks();
  Strings all;
  for (const int days : {1, -2, 400, -800}) {
    clock->jump += std::chrono::nanoseconds(hours(24 * days)).count();
    all.push_back(std::to_string(days));
    imap.deliver(all.back());
    ASSERT_TRUE(handed_over(all.size())) << health();
    all.push_back(std::to_string(days) + " while away");
    imap.add(all.back());
    imap.cut();
    ASSERT_TRUE(handed_over(all.size()) && idles()) << health();
  }
  verdict("clock jumps", "the wall's, by -800 to 400 days, in IDLE and at reconnects", all, seconds(10));
  breaks();
  clock->advance(std::chrono::nanoseconds(hours(24)).count());
  broken_at = clock->monotonic_ns();
  all.push_back("after a day at once");
  imap.deliver(all.back());
  ASSERT_TRUE(handed_over(all.size())) << health();
  verdict("clock jumps", "a day at once", all, seconds(2));
}

}  // namespace
}  // namespace mailroom::watch
