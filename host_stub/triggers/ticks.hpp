// What a schedule owes at a look at the clock, and the cursor that remembers what was settled. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "support/json.hpp"
#include "triggers/schedule.hpp"

namespace aoh::host {

/// What becomes of ticks that came while the host was down, slept, or had its clock set forward.
enum class Missed { run_once, skip };

/// A tick that is noticed later than this after its time is a missed one.
constexpr std::int64_t kLateNs = 60'000'000'000;
/// Missed ticks are counted up to here.
constexpr std::int64_t kMaxCounted = 1000;

/// {"at" | "cron" | "every": text, "timezone": name; none is UTC}. Throws ScheduleError.
Schedule schedule_of(const Json& fields);

/// How far a blueprint's schedule is settled. A value.
struct CronCursor {
  Json schedule;                ///< the fields that it was read from: another schedule begins anew
  std::int64_t since_ns = 0;    ///< when this schedule came into force; `every` counts from here
  std::int64_t settled_ns = 0;  ///< ticks up to here are handed over, or were left out

  /// The stored one when it is of this schedule; otherwise one that begins at `now_ns`, so that nothing
  /// before it is owed.
  static CronCursor of(std::string_view stored, const Json& schedule, std::int64_t now_ns);
  std::string text() const;
  bool operator==(const CronCursor&) const = default;
};

/// A tick to hand over, and the missed ones before it.
struct Tick {
  std::int64_t scheduled_ns = 0;
  std::int64_t missed = 0;  ///< kMaxCounted: so many, or more
};
struct Owed {
  std::optional<Tick> tick;  ///< unset: nothing to start
  std::int64_t left_out =
      0;  ///< missed ticks that are not handed over themselves; kMaxCounted: so many, or more
  std::int64_t upto_ns = 0;  ///< settled with it
};
/// Of several ticks since `settled_ns` the newest stands for all (run_once); a late one is left out, too
/// (skip). A clock that went back owes nothing until it is past `settled_ns` again.
Owed owed(const Schedule& schedule, Missed missed, const CronCursor& cursor, std::int64_t now_ns);

}  // namespace aoh::host
