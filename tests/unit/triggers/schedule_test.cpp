// Schedules: what crontab(5) allows, what is said about the rest, and single days of daylight saving. A year
// of generated expressions against another implementation: tests/interop/schedule_test.py.
#include "triggers/schedule.hpp"

#include <gmock/gmock.h>

namespace aoh::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::int64_t utc(std::string_view text) { return *Schedule::at(text, {}).next(-1, 0); }

std::vector<std::string> times(const Schedule& s, std::string_view after, std::size_t n,
                               std::int64_t since = 0) {
  std::vector<std::string> out;
  auto t = utc(after);
  while (out.size() < n) {
    const auto next = s.next(t, since);
    if (!next) break;
    t = *next;
    out.push_back(local_text(s.zone(), t));
  }
  return out;
}

std::vector<std::string> cron(std::string_view expression, std::string_view zone, std::string_view after,
                              std::size_t n) {
  return times(Schedule::cron(expression, Zone::named(zone)), after, n);
}

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const ScheduleError& e) {
    return e.what();
  }
  return "no error";
}

TEST(CronFields, AsInCrontab) {
  EXPECT_EQ(parse_cron("0 0 * * 7").weekdays, 1u);
  EXPECT_EQ(parse_cron("0 0 * * 5-7").weekdays, parse_cron("0 0 * * fri-sun").weekdays);
  EXPECT_EQ(parse_cron("0 0 * * Sun-Tue").weekdays, 0b111u);
  EXPECT_EQ(parse_cron("0 0 * * */2").weekdays, 0b1010101u);
  EXPECT_EQ(parse_cron("\t5-20/5,1  0 * JAN,3 * ").minutes,
            1u << 1 | 1u << 5 | 1u << 10 | 1u << 15 | 1u << 20);
  EXPECT_EQ(parse_cron("0 0 * jan-mar,DEC *").months, 0b1000000001110u);
  EXPECT_EQ(parse_cron("@Weekly").weekdays, 1u);
}

TEST(CronFields, ErrorsNameTheFieldAndTheCure) {
  const auto cron_error = [](std::string_view text) { return error_of([&] { Schedule::cron(text, {}); }); };
  EXPECT_THAT(
      cron_error("* * * *"),
      HasSubstr("five fields are wanted (minute, hour, day of month, month, day of week), here are 4"));
  EXPECT_THAT(cron_error("60 * * * *"), HasSubstr("minute \"60\": 60 is not within 0 to 59"));
  EXPECT_THAT(cron_error("0 24 * * *"), HasSubstr("hour \"24\""));
  EXPECT_THAT(cron_error("0 0 0 * *"), HasSubstr("day of month \"0\": 0 is not within 1 to 31"));
  EXPECT_THAT(cron_error("0 0 * * moon"), HasSubstr("did you mean \"mon\"?"));
  EXPECT_THAT(cron_error("0 0 * juny *"), HasSubstr("did you mean \"jun\"?"));
  EXPECT_THAT(cron_error("5/10 * * * *"), HasSubstr("a step needs * or a range before it, such as 5-59/2"));
  EXPECT_THAT(cron_error("*/0 * * * *"), HasSubstr("a step is a number from 1 to 59"));
  EXPECT_THAT(cron_error("*/90 * * * *"), HasSubstr("a step is a number from 1 to 59"));
  EXPECT_THAT(cron_error("30-10 * * * *"), HasSubstr("the range ends before it begins"));
  for (const char* text :
       {"1, * * * *", ",1 * * * *", "1--2 * * * *", "-1 * * * *", "1- * * * *", "*1 * * * *", "**/2 * * * *",
        "1/2/3 * * * *", "? * * * *", "0x1 * * * *", "0001 * * * *", "1.5 * * * *", "mon * * * *"})
    EXPECT_THAT(cron_error(text), HasSubstr("minute \"")) << text;
  EXPECT_THAT(cron_error("@dayly"), HasSubstr("did you mean \"@daily\"?"));
  EXPECT_THAT(cron_error("0 0 30 2 *"), HasSubstr("no day of a century meets it"));
  EXPECT_THAT(cron_error(std::string(300, '1') + " * * * *"), HasSubstr("longer than 256 bytes"));
  EXPECT_THAT(cron_error(std::string(200, ',') + " * * * *"), HasSubstr("minute \"\""));
}

TEST(CronFields, DayOfMonthOrDayOfWeek) {
  // Both are given: one is enough. 2027-06-13 is a Sunday.
  EXPECT_THAT(cron("0 9 15 * sun", "UTC", "2027-06-12T00:00Z", 3),
              ElementsAre("2027-06-13T09:00:00Z", "2027-06-15T09:00:00Z", "2027-06-20T09:00:00Z"));
  // One begins with `*`: both must hold.
  EXPECT_THAT(cron("0 9 */2 * sun", "UTC", "2027-06-01T00:00Z", 2),
              ElementsAre("2027-06-13T09:00:00Z", "2027-06-27T09:00:00Z"));
  EXPECT_THAT(cron("0 0 29 2 *", "UTC", "2027-01-01T00:00Z", 2),
              ElementsAre("2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"));
  EXPECT_THAT(cron("0 0 31 * *", "UTC", "2027-01-31T00:00Z", 2),
              ElementsAre("2027-03-31T00:00:00Z", "2027-05-31T00:00:00Z"));
}

TEST(Schedule, TimeOfDayOverTheGapAndTheRepeatedHour) {
  // Berlin, 28 March: 02:00 becomes 03:00; 31 October: 03:00 becomes 02:00.
  EXPECT_THAT(
      cron("30 2 * * *", "Europe/Berlin", "2027-03-27T00:00Z", 3),
      ElementsAre("2027-03-27T02:30:00+01:00", "2027-03-28T03:00:00+02:00", "2027-03-29T02:30:00+02:00"));
  EXPECT_THAT(
      cron("0,30 2,3 * * *", "Europe/Berlin", "2027-03-27T23:30Z", 3),
      ElementsAre("2027-03-28T03:00:00+02:00", "2027-03-28T03:30:00+02:00", "2027-03-29T02:00:00+02:00"));
  EXPECT_THAT(cron("30 2 * * *", "Europe/Berlin", "2027-10-30T12:00Z", 2),
              ElementsAre("2027-10-31T02:30:00+02:00", "2027-11-01T02:30:00+01:00"));
  // The gap may begin a day: 5 September in Santiago has no 00:30.
  EXPECT_THAT(cron("30 0 5 9 *", "America/Santiago", "2027-01-01T00:00Z", 1),
              ElementsAre("2027-09-05T01:00:00-03:00"));
  // Half an hour in Lord Howe, 4 April: 02:00 becomes 01:30.
  EXPECT_THAT(cron("45 1 * * *", "Australia/Lord_Howe", "2027-04-03T12:00Z", 2),
              ElementsAre("2027-04-04T01:45:00+11:00", "2027-04-05T01:45:00+10:30"));
}

TEST(Schedule, RhythmGoesWithTheClockOnTheWall) {
  EXPECT_THAT(
      cron("*/30 * * * *", "Europe/Berlin", "2027-03-28T00:15Z", 3),
      ElementsAre("2027-03-28T01:30:00+01:00", "2027-03-28T03:00:00+02:00", "2027-03-28T03:30:00+02:00"));
  EXPECT_THAT(
      cron("*/30 2 * * *", "Europe/Berlin", "2027-10-30T22:00Z", 5),
      ElementsAre("2027-10-31T02:00:00+02:00", "2027-10-31T02:30:00+02:00", "2027-10-31T02:00:00+01:00",
                  "2027-10-31T02:30:00+01:00", "2027-11-01T02:00:00+01:00"));
  EXPECT_THAT(cron("0 */2 * * *", "Europe/Berlin", "2027-03-28T00:00Z", 1),
              ElementsAre("2027-03-28T04:00:00+02:00"));
}

TEST(Schedule, At) {
  const auto berlin = Zone::named("Europe/Berlin");
  EXPECT_THAT(times(Schedule::at("2027-01-31T09:00:30.25+01:00", {}), "2027-01-01T00:00Z", 3),
              ElementsAre("2027-01-31T08:00:30.250Z"));
  EXPECT_THAT(times(Schedule::at("2027-01-31 09:00", berlin), "2027-01-01T00:00Z", 3),
              ElementsAre("2027-01-31T09:00:00+01:00"));
  EXPECT_THAT(times(Schedule::at("2027-03-28T02:30", berlin), "2027-01-01T00:00Z", 3),
              ElementsAre("2027-03-28T03:00:00+02:00"));
  EXPECT_THAT(times(Schedule::at("2027-10-31T02:30", berlin), "2027-01-01T00:00Z", 3),
              ElementsAre("2027-10-31T02:30:00+02:00"));
  EXPECT_THAT(times(Schedule::at("2027-10-31T03:00", berlin), "2027-01-01T00:00Z", 3),
              ElementsAre("2027-10-31T03:00:00+01:00"));
  EXPECT_THAT(times(Schedule::at("2027-01-31T09:00", berlin), "2027-01-31T08:00Z", 3), ElementsAre());
  for (const char* text :
       {"", "2027", "2027-02-30T09:00", "2027-01-31", "2027-01-31T24:00", "2027-01-31T09:60",
        "2027-01-31T09:00:60", "2027-01-31T09:00:00+1:00", "2027-01-31T09:00:00+24:00",
        "2027-01-31T09:00:00 Z", "2027-01-31T09:00:00Zx", "2027-01-31T09:00:00.", "1969-12-31T23:00Z",
        "2200-01-01T00:00Z", "tomorrow", "-027-01-31T09:00"})
    EXPECT_THAT(error_of([&] { Schedule::at(text, {}); }),
                HasSubstr("is no time from 1970 to 2199; write 2027-01-31T09:00:00+01:00"))
        << text;
}

TEST(Schedule, EveryCountsFromItsBeginning) {
  const auto s = Schedule::every(90 * 60'000'000'000, Zone::named("Asia/Shanghai"));
  const auto since = utc("2027-01-01T00:10Z");
  EXPECT_THAT(times(s, "2027-01-01T00:00Z", 2, since),
              ElementsAre("2027-01-01T09:40:00+08:00", "2027-01-01T11:10:00+08:00"));
  EXPECT_THAT(times(s, "2027-01-01T03:10Z", 1, since), ElementsAre("2027-01-01T12:40:00+08:00"));
}

TEST(Schedule, NewestIsTheLastOfManyAfterAnyTime) {
  const auto since = utc("2027-01-01T00:00Z"), now = utc("2037-06-15T12:34:56Z");
  const auto newest = [&](const Schedule& s, std::int64_t after) {
    const auto t = s.newest(after, now, since);
    return t ? local_text({}, *t) : "none";
  };
  EXPECT_EQ(newest(Schedule::cron("* * * * *", {}), 0), "2037-06-15T12:34:00Z");
  EXPECT_EQ(newest(Schedule::cron("0 9 * * *", {}), 0), "2037-06-15T09:00:00Z");
  EXPECT_EQ(newest(Schedule::cron("0 9 1 1 *", {}), 0), "2037-01-01T09:00:00Z");
  EXPECT_EQ(newest(Schedule::cron("0 9 29 2 *", {}), 0), "2036-02-29T09:00:00Z");
  EXPECT_EQ(newest(Schedule::cron("0 9 29 2 *", {}), utc("2036-02-29T09:00Z")), "none");
  EXPECT_EQ(newest(Schedule::cron("34 12 * * *", {}), utc("2037-06-15T12:34Z")), "none");
  EXPECT_EQ(newest(Schedule::every(1'000'000'000, {}), 0), "2037-06-15T12:34:56Z");
  EXPECT_EQ(newest(Schedule::every(86400LL * 1'000'000'000, {}), now - 1), "none");
  EXPECT_EQ(newest(Schedule::at("2030-01-01T00:00Z", {}), 0), "2030-01-01T00:00:00Z");
  EXPECT_EQ(newest(Schedule::at("2038-01-01T00:00Z", {}), 0), "none");
  EXPECT_EQ(newest(Schedule::at("2030-01-01T00:00Z", {}), now + 1), "none");  // the clock went back
}

TEST(Zone, Names) {
  EXPECT_EQ(Zone::named("UTC").at(0).offset, 0);
  EXPECT_EQ(Zone::named("Asia/Kolkata").at(1'800'000'000).offset, 19800);
  EXPECT_THAT(error_of([] { Zone::named("Europe/Berln"); }), HasSubstr("did you mean \"Europe/Berlin\"?"));
  for (const char* name :
       {"", "../../etc/passwd", "/etc/localtime", "posix/Europe/Berlin", "europe/berlin\n", "zone.tab"})
    EXPECT_THAT(error_of([&] { Zone::named(name); }), HasSubstr("there is no time zone")) << name;
}

}  // namespace
}  // namespace aoh::host
