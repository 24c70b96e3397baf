// A cron expression: five fields as crontab(5) of Vixie's cron, which Debian ships, has them. Pure.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "triggers/zone.hpp"

namespace aoh::host {

/// The fields as sets: bit n is the value n. A value.
struct CronFields {
  std::uint64_t minutes = 0;   ///< 0-59
  std::uint64_t hours = 0;     ///< 0-23
  std::uint64_t days = 0;      ///< of the month, 1-31
  std::uint64_t months = 0;    ///< 1-12
  std::uint64_t weekdays = 0;  ///< 0-6, Sunday is 0
  bool star_day = false;       ///< did the day of month begin with `*`?
  bool star_weekday = false;   ///< did the day of week?
  /// Did the minute or the hour begin with `*`? Then it is a rhythm that goes with the clock on the wall,
  /// also over a change of daylight saving; otherwise a time of day, which each day has once.
  bool rhythm = false;

  /// Does it run on this day? Both fields must hold where one of them begins with `*`; otherwise one is
  /// enough.
  bool on(std::chrono::year_month_day date, std::chrono::weekday weekday) const;
  /// The first match that is not before `from` and before `end`: seconds since 1970 of local time, as if it
  /// were UTC.
  std::optional<std::int64_t> first(std::int64_t from, std::int64_t end) const;
};

constexpr std::size_t kMaxCronText = 256;  ///< bytes

/// "minute hour day-of-month month day-of-week", by blanks: `*`, numbers, ranges, `/` steps after `*` or a
/// range, lists; jan-dec and sun-sat in any case; 7 is Sunday. Also @hourly, @daily, @midnight, @weekly,
/// @monthly, @yearly, @annually. Throws ScheduleError.
CronFields parse_cron(std::string_view text);

}  // namespace aoh::host
