#include "policy/cadence.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace mailroom::policy {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kNow = 1'795'478'400'000;

/// Sends as fast as it may; the times.
std::vector<std::int64_t> send(Cadence& c, const std::string& domain, int n, std::int64_t now = kNow) {
  std::vector<std::int64_t> times;
  for (int i = 0; i < n; ++i) {
    now = c.earliest(domain, now).until_ms;
    c.sent(domain, now);
    times.push_back(now - kNow);
  }
  return times;
}

CadenceLimits limits(Pace credential, Pace domain) {
  CadenceLimits l;
  l.credential = credential;
  l.domain = domain;
  return l;
}

TEST(Cadence, ABurstAndThenThePace) {
  Cadence c(limits({60, 60, 3}, {1000, 1, 1000}));
  EXPECT_THAT(send(c, "a.example", 6), ::testing::ElementsAre(0, 0, 0, 1000, 2000, 3000));
  // After a rest the burst is there again, and no more than it.
  EXPECT_THAT(send(c, "a.example", 5, kNow + 100'000),
              ::testing::ElementsAre(100'000, 100'000, 100'000, 101'000, 102'000));
}

TEST(Cadence, AClockThatWasSetBackHoldsNothingForAsLongAsItHadBeenWrong) {
  Cadence c(limits({60, 60, 3}, {60, 60, 3}));
  constexpr std::int64_t kDay = 86'400'000;
  send(c, "a.example", 9, kNow + kDay);
  c.slow_down("a.example", kNow + kDay);
  c.slow_down("", kNow + kDay);
  EXPECT_EQ(c.earliest("a.example", kNow).until_ms, kNow);
  Cadence again(limits({60, 60, 3}, {60, 60, 3}));
  send(again, "a.example", 9, kNow + kDay);
  EXPECT_THAT(send(again, "a.example", 5, kNow), ::testing::ElementsAre(0, 0, 0, 1000, 2000));
}

TEST(Cadence, NoWindowHoldsMoreThanItsMessagesAndTheBurst) {
  std::mt19937_64 dice(4711);
  for (int round = 0; round < 200; ++round) {
    const Pace pace{1 + static_cast<std::int64_t>(dice() % 50), 1 + static_cast<std::int64_t>(dice() % 90),
                    1 + static_cast<std::int64_t>(dice() % 20)};
    Bucket b;
    std::vector<std::int64_t> times;
    std::int64_t now = kNow;
    for (int i = 0; i < 200; ++i) {
      now = b.earliest(pace, now + static_cast<std::int64_t>(dice() % 3 == 0 ? dice() % 5000 : 0));
      b.take(pace, now);
      times.push_back(now);
    }
    for (std::size_t i = 0, j = 0; j < times.size(); ++j) {
      while (times[j] - times[i] >= pace.seconds * 1000) ++i;
      ASSERT_LE(static_cast<std::int64_t>(j - i + 1), pace.messages + pace.burst)
          << pace.messages << " in " << pace.seconds << " s, burst " << pace.burst;
    }
  }
}

TEST(Cadence, ADomainDoesNotHoldUpAnother) {
  Cadence c(limits({1000, 1, 1000}, {1, 60, 1}));
  EXPECT_THAT(send(c, "a.example", 1), ::testing::ElementsAre(0));
  EXPECT_EQ(c.earliest("A.EXAMPLE", kNow).why, "domain a.example");
  EXPECT_EQ(c.earliest("A.EXAMPLE", kNow).until_ms, kNow + 60'000);
  EXPECT_EQ(c.earliest("b.example", kNow).until_ms, kNow);
}

TEST(Cadence, OverridesOfADomain) {
  CadenceLimits l = limits({1000, 1, 1000}, {1000, 1, 1000});
  l.domains["slow.example"] = {1, 10, 1};
  Cadence c(l);
  EXPECT_THAT(send(c, "other.example", 2), ::testing::ElementsAre(0, 0));
  EXPECT_THAT(send(c, "slow.example", 2), ::testing::ElementsAre(0, 10'000));
}

TEST(Cadence, WarmUpCountsByTheDay) {
  CadenceLimits l = limits({1000, 1, 1000}, {1000, 1, 1000});
  l.warm_up = {2, 3};
  l.warm_up_from_s = kNow / 1000;
  Cadence c(l);
  constexpr std::int64_t day = 86'400'000;
  EXPECT_THAT(send(c, "a.example", 7), ::testing::ElementsAre(0, 0, day, day, day, 2 * day, 2 * day));
}

TEST(Cadence, LaterMeansTwiceAsLongEachTimeAndAnHourAtMost) {
  Cadence c(limits({1000, 1, 1000}, {1000, 1, 1000}));
  std::int64_t now = kNow;
  std::vector<std::int64_t> pauses;
  for (int i = 0; i < 9; ++i) {
    c.slow_down("a.example", now);
    const auto wait = c.earliest("a.example", now);
    EXPECT_THAT(wait.why, HasSubstr("asked to slow down"));
    pauses.push_back((wait.until_ms - now) / 60'000);
    now = wait.until_ms;
  }
  EXPECT_THAT(pauses, ::testing::ElementsAre(1, 2, 4, 8, 16, 32, 60, 60, 60));
  c.went_well("a.example");
  c.slow_down("a.example", now);
  EXPECT_EQ(c.earliest("a.example", now).until_ms, now + 60'000);
  EXPECT_EQ(c.earliest("b.example", now).until_ms, now);
  c.slow_down("", now);
  EXPECT_EQ(c.earliest("b.example", now).until_ms, now + 60'000);
}

TEST(Cadence, ARestartForgetsNothing) {
  CadenceLimits l = limits({60, 60, 2}, {10, 60, 2});
  l.warm_up = {5, 100};
  l.warm_up_from_s = kNow / 1000;
  Cadence before(l);
  send(before, "a.example", 3);
  before.slow_down("b.example", kNow);
  Cadence after(l);
  after.restore(aoh::Json::parse(before.state(kNow).dump()));
  for (const char* domain : {"a.example", "b.example", "c.example"}) {
    EXPECT_EQ(after.earliest(domain, kNow).until_ms, before.earliest(domain, kNow).until_ms) << domain;
    EXPECT_EQ(after.earliest(domain, kNow).why, before.earliest(domain, kNow).why) << domain;
  }
  EXPECT_EQ(send(after, "d.example", 3), send(before, "d.example", 3));
}

TEST(Cadence, NothingGrowsWithTheDomains) {
  Cadence c(limits({1'000'000, 1, 1'000'000}, {1, 3600, 1}));
  for (int i = 0; i < 30'000; ++i) {
    const std::string domain = "d" + std::to_string(i) + ".example";
    if (c.earliest(domain, kNow).until_ms <= kNow) c.sent(domain, kNow);
  }
  EXPECT_LE(c.state(kNow)["domains"].members().size(), 10'001u);
  EXPECT_GT(c.earliest("new.example", kNow).until_ms, kNow) << "further domains share a lane";
  EXPECT_EQ(c.earliest("new.example", kNow + 3'600'000).until_ms, kNow + 3'600'000);
}

TEST(Cadence, AMessageToManyDomainsIsOneMessage) {
  Cadence c(limits({2, 3600, 2}, {100, 1, 100}));
  const Load many{{"a.example", "b.example", "c.example", "d.example"}, 4};
  c.sent(many, kNow);
  EXPECT_EQ(c.earliest(many, kNow).until_ms, kNow) << "one of two places is left";
  c.sent(many, kNow);
  EXPECT_EQ(c.earliest(many, kNow).why, "credential");
}

TEST(Cadence, TheSlowestOfItsDomainsHoldsAMessage) {
  Cadence c(limits({100, 1, 100}, {1, 60, 1}));
  c.sent("b.example", kNow);
  const Cadence::Wait wait = c.earliest(Load{{"a.example", "b.example"}, 2}, kNow);
  EXPECT_EQ(wait.why, "domain b.example");
  EXPECT_EQ(wait.until_ms, kNow + 60'000);
}

TEST(Cadence, RecipientsOfADayAreCounted) {
  CadenceLimits l = limits({1000, 1, 1000}, {1000, 1, 1000});
  l.recipients_per_day = 10;
  Cadence c(l);
  const std::int64_t midnight = (kNow / 86'400'000 + 1) * 86'400'000;
  c.sent(Load{{"a.example"}, 7}, kNow);
  EXPECT_EQ(c.earliest(Load{{"a.example"}, 3}, kNow).until_ms, kNow);
  EXPECT_EQ(c.earliest(Load{{"a.example"}, 4}, kNow).why, "a day's limit of recipients");
  EXPECT_EQ(c.earliest(Load{{"a.example"}, 4}, kNow).until_ms, midnight);
  Cadence after(l);
  after.restore(c.state(kNow));
  EXPECT_EQ(after.earliest(Load{{"a.example"}, 4}, kNow).until_ms, midnight) << "also after a restart";
  EXPECT_EQ(c.earliest(Load{{"a.example"}, 40}, midnight).until_ms, midnight)
      << "alone too large: not for ever";
}

}  // namespace
}  // namespace mailroom::policy
