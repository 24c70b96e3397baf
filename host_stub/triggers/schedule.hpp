// When a blueprint of source `cron` starts: at one moment, by a cron expression, or every so often. Pure: no
// clock.
//
// Daylight saving, as Vixie's cron has it (cron(8) of Debian). A time of day (neither minute nor hour begins
// with `*`) comes once on each of its days: what falls into the gap comes at the first instant after it,
// several together as one; what falls into the repeated hour comes the first time. A rhythm (`*/15 * * * *`)
// goes with the clock on the wall: nothing in the gap, in the repeated hour both times.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "triggers/cron_fields.hpp"
#include "triggers/zone.hpp"

namespace aoh::host {

/// A value. Times are nanoseconds since 1970 UTC, up to the year 2200.
class Schedule {
 public:
  /// One moment: RFC 3339 with an offset, or without one ("2027-01-31T09:00", seconds may follow), then local
  /// to `zone`: one that the gap skips is the first instant after it, one that comes twice the first. Throws
  /// ScheduleError.
  static Schedule at(std::string_view when, Zone zone);
  /// See parse_cron. Throws ScheduleError, also for an expression that no day of a century meets (30
  /// February).
  static Schedule cron(std::string_view expression, Zone zone);
  /// `period_ns` > 0, counted from the moment that `next` is told as `since_ns`. The zone is for people only.
  static Schedule every(std::int64_t period_ns, Zone zone);

  /// The first time after `after_ns`; unset when there is none.
  std::optional<std::int64_t> next(std::int64_t after_ns, std::int64_t since_ns) const;
  /// The last time after `after_ns` and not after `upto_ns`; unset when there is none. Finite work for any
  /// distance.
  std::optional<std::int64_t> newest(std::int64_t after_ns, std::int64_t upto_ns,
                                     std::int64_t since_ns) const;
  const Zone& zone() const { return zone_; }

 private:
  enum class Kind { at, cron, every };
  Schedule(Kind kind, Zone zone) : kind_(kind), zone_(std::move(zone)) {}
  std::optional<std::int64_t> next_cron(std::int64_t after_s) const;

  Kind kind_;
  Zone zone_;
  CronFields fields_;
  std::int64_t at_ns_ = 0, period_ns_ = 0;
};

}  // namespace aoh::host
