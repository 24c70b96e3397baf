// Time zones: the offset from UTC at an instant, out of the system's own zone files (/usr/share/zoneinfo,
// Debian tzdata), read by Howard Hinnant's date library. Nothing is ever downloaded.
#pragma once
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace aoh::host {

/// What is wrong with a schedule or its zone, and what to write instead: one line, without its place.
struct ScheduleError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A zone by its IANA name. A value, cheap to copy. Thread-safe. The files are read once for a process: new
/// rules count after its restart. They reach to 2037; from then on the last offset stays.
class Zone {
 public:
  Zone() = default;  ///< UTC, which needs no files
  /// "Europe/Berlin", "UTC". Throws ScheduleError: no such zone (with the nearest), or no zone files.
  static Zone named(std::string_view name);

  /// From `begin` on, before `end` (seconds since 1970 UTC), local time is UTC plus `offset` seconds.
  struct Span {
    std::int64_t begin, end, offset;
  };
  Span at(std::int64_t unix_s) const;
  const std::string& name() const { return name_; }

 private:
  std::string name_ = "UTC";
  const void* rules_ = nullptr;  // date::time_zone, which lives as long as the process
};

/// RFC 3339 in local time with its offset ("2027-03-28T03:00:00+02:00", "...Z" where that is none);
/// milliseconds only where there are some. `unix_ns`: 1970 to 2261.
std::string local_text(const Zone& zone, std::int64_t unix_ns);

/// What floor division gives, also below zero; b > 0.
constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace aoh::host
