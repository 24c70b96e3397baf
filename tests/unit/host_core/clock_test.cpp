#include "services/clock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <thread>
#include <vector>

namespace aoh::host {
namespace {

using testing::ElementsAre;
constexpr std::int64_t kMs = 1'000'000, kSecond = 1'000 * kMs;

TEST(VirtualTime, StandsStillUntilItIsAdvanced) {
  VirtualClock clock(1000);
  const std::int64_t start = clock.monotonic_ns();
  EXPECT_EQ(clock.wall_ns(), 1000);
  EXPECT_EQ(clock.monotonic_ns(), start);
  clock.advance(5 * kSecond);
  EXPECT_EQ(clock.wall_ns(), 1000 + 5 * kSecond);
  EXPECT_EQ(clock.monotonic_ns(), start + 5 * kSecond);
}

TEST(VirtualTime, RunsTimersInOrderOfTimeEachAtItsOwnTime) {
  VirtualClock clock;
  const std::int64_t start = clock.monotonic_ns();
  std::vector<int> order;
  std::vector<std::int64_t> when;
  const auto note = [&](int i) {
    return [&, i] {
      order.push_back(i);
      when.push_back(clock.monotonic_ns() - start);
    };
  };
  clock.schedule(start + 30, note(3));
  clock.schedule(start + 10, note(1));
  clock.schedule(start + 20, note(2));
  clock.schedule(start + 20, note(22));
  clock.schedule(start + 41, note(4));
  clock.advance(40);
  EXPECT_THAT(order, ElementsAre(1, 2, 22, 3));
  EXPECT_THAT(when, ElementsAre(10, 20, 20, 30));
  clock.advance(1);
  EXPECT_THAT(order, ElementsAre(1, 2, 22, 3, 4));
}

TEST(VirtualTime, RunsTimersThatTimersSet) {
  VirtualClock clock;
  const std::int64_t start = clock.monotonic_ns();
  std::vector<std::int64_t> when;
  std::function<void()> again = [&] {
    when.push_back(clock.monotonic_ns() - start);
    clock.schedule(clock.monotonic_ns() + 25, again);
  };
  clock.schedule(start + 25, again);
  clock.advance(100);
  EXPECT_THAT(when, ElementsAre(25, 50, 75, 100));
}

TEST(VirtualTime, WhatIsDueAlreadyRunsWithoutAnAdvanceAndNotInsideSchedule) {
  VirtualClock clock;
  for (const std::int64_t before : {0, 1}) {
    std::promise<std::thread::id> ran;
    clock.schedule(clock.monotonic_ns() - before, [&] { ran.set_value(std::this_thread::get_id()); });
    EXPECT_NE(ran.get_future().get(), std::this_thread::get_id());
  }
}

TEST(VirtualTime, ACancelledTimerDoesNotRun) {
  VirtualClock clock;
  int ran = 0;
  const auto id = clock.schedule(clock.monotonic_ns() + 10, [&] { ++ran; });
  EXPECT_TRUE(clock.cancel(id));
  EXPECT_FALSE(clock.cancel(id));
  EXPECT_FALSE(clock.cancel(12345));
  clock.advance(20);
  EXPECT_EQ(ran, 0);
}

TEST(VirtualTime, ATimerMayCancelItselfAndOthers) {
  VirtualClock clock;
  const std::int64_t start = clock.monotonic_ns();
  Clock::Id self = 0, other = 0;
  bool self_answer = true, other_answer = false;
  self = clock.schedule(start + 10, [&] {
    self_answer = clock.cancel(self);
    other_answer = clock.cancel(other);
  });
  other = clock.schedule(start + 10, [&] { FAIL() << "it was cancelled"; });
  clock.advance(10);
  EXPECT_FALSE(self_answer);
  EXPECT_TRUE(other_answer);
}

TEST(VirtualTime, CancelWaitsForARunningCallback) {
  VirtualClock clock;
  std::latch entered(1);
  std::promise<void> go;
  std::atomic<bool> returned{false};
  const auto id = clock.schedule(clock.monotonic_ns() + 1, [&] {
    entered.count_down();
    go.get_future().wait();
    returned = true;
  });
  std::jthread advancing([&] { clock.advance(1); });
  entered.wait();
  auto cancelled = std::async(std::launch::async, [&] {
    EXPECT_FALSE(clock.cancel(id));
    EXPECT_TRUE(returned) << "cancel() returned while the callback ran";
  });
  EXPECT_EQ(cancelled.wait_for(std::chrono::milliseconds(30)), std::future_status::timeout);
  go.set_value();
  cancelled.get();
}

TEST(VirtualTime, TwoThreadsMayAdvanceAtOnce) {
  VirtualClock clock;
  const std::int64_t start = clock.monotonic_ns();
  std::atomic<int> ran{0}, at_once{0};
  for (int i = 1; i <= 200; ++i)
    clock.schedule(start + i, [&] {
      EXPECT_EQ(++at_once, 1) << "callbacks run one after another";
      std::this_thread::sleep_for(std::chrono::microseconds(50));
      ++ran;
      --at_once;
    });
  {
    std::jthread a([&] { clock.advance(100); });
    std::jthread b([&] { clock.advance(100); });
  }
  EXPECT_EQ(ran, 200);
  EXPECT_EQ(clock.monotonic_ns(), start + 200);
}

TEST(VirtualTime, AfterStopNothingIsScheduledAndNothingRuns) {
  VirtualClock clock;
  int ran = 0;
  clock.schedule(clock.monotonic_ns() + 1, [&] { ++ran; });
  clock.stop();
  EXPECT_EQ(clock.schedule(clock.monotonic_ns() + 1, [&] { ++ran; }), 0u);
  clock.advance(10);
  EXPECT_EQ(ran, 0);
}

TEST(SystemTime, RunsATimerNotBeforeItsTime) {
  SystemClock clock;
  std::promise<std::int64_t> ran;
  const std::int64_t at = clock.monotonic_ns() + 20 * kMs;
  clock.schedule(at + kSecond * 100, [] {});
  clock.schedule(at, [&] { ran.set_value(clock.monotonic_ns()); });
  auto when = ran.get_future();
  ASSERT_EQ(when.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_GE(when.get(), at);
}

TEST(SystemTime, AnEarlierTimerOvertakesALaterOne) {
  SystemClock clock;
  std::promise<void> early;
  const std::int64_t now = clock.monotonic_ns();
  clock.schedule(now + 3600 * kSecond, [] { FAIL(); });
  clock.schedule(now + kMs, [&] { early.set_value(); });
  EXPECT_EQ(early.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

// What a module relies on: after cancel() it may free what the callback uses.
TEST(SystemTime, AfterCancelTheCallbackIsNotRunning) {
  SystemClock clock;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        auto used = std::make_unique<std::atomic<int>>(0);
        auto* raw = used.get();
        const auto id = clock.schedule(clock.monotonic_ns() + (i % 3) * 10'000, [raw] { ++*raw; });
        if (i % 2) std::this_thread::yield();
        const bool stopped = clock.cancel(id);
        EXPECT_EQ(used->load(), stopped ? 0 : 1);
      }
    });
}

TEST(SystemTime, StopWaitsForARunningCallback) {
  SystemClock clock;
  std::latch entered(1);
  std::atomic<bool> returned{false};
  clock.schedule(clock.monotonic_ns(), [&] {
    entered.count_down();
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    returned = true;
  });
  entered.wait();
  clock.stop();
  EXPECT_TRUE(returned);
}

}  // namespace
}  // namespace aoh::host
