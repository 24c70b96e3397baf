#include "tools/days.hpp"

#include <unicode/ucal.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>

#include "base/error.hpp"

namespace mailroom::tools {
namespace {

using Units = std::basic_string<UChar>;

/// As many digits as `pattern` has 'd's, its other characters as they are. False: another form.
bool read(std::string_view text, std::string_view pattern, int (&numbers)[7]) {
  if (text.size() != pattern.size()) return false;
  std::size_t field = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != 'd') {
      if (text[i] != pattern[i]) return false;
      continue;
    }
    if (text[i] < '0' || text[i] > '9') return false;
    const bool first = i == 0 || pattern[i - 1] != 'd';
    if (first && i > 0) ++field;
    numbers[field] = (first ? 0 : numbers[field] * 10) + (text[i] - '0');
  }
  return true;
}

std::optional<std::int64_t> day_number(int y, int m, int d) {
  using namespace std::chrono;
  const year_month_day date{year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d))};
  if (y < 1970 || !date.ok()) return std::nullopt;
  return sys_days(date).time_since_epoch().count();
}

/// "+01:00", "-03:30", "Z" in seconds.
std::optional<std::int64_t> offset_of(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  int n[7] = {};
  if (text.empty() || (text.front() != '+' && text.front() != '-') || !read(text.substr(1), "dd:dd", n) ||
      n[0] > 14 || n[1] > 59)
    return std::nullopt;
  const std::int64_t seconds = n[0] * 3'600 + n[1] * 60;
  return text.front() == '-' ? -seconds : seconds;
}

[[noreturn]] void no_zone(std::string_view zone) {
  throw Failure(Errc::invalid, "not a time zone: \"" + printable(zone, 60) + "\"", "time_zone",
                "Write Europe/Berlin, or +01:00");
}

/// The beginning of a day by the time zone database: midnight, or, where clocks skip it, the first instant.
std::int64_t day_begins(int y, int m, int d, std::string_view zone) {
  UErrorCode status = U_ZERO_ERROR;
  Units id;
  for (const char c : zone) {
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7F) no_zone(zone);
    id += static_cast<UChar>(c);
  }
  if (!zone.empty()) {
    UChar canonical[128];
    UBool system = 0;
    ucal_getCanonicalTimeZoneID(id.data(), static_cast<std::int32_t>(id.size()), canonical, 128, &system,
                                &status);
    if (U_FAILURE(status) || !system) no_zone(zone);  // an unknown name would be read as UTC
  }
  const std::unique_ptr<UCalendar, decltype(&ucal_close)> calendar(
      ucal_open(zone.empty() ? nullptr : id.data(), zone.empty() ? 0 : static_cast<std::int32_t>(id.size()),
                "en", UCAL_GREGORIAN, &status),
      &ucal_close);
  if (U_FAILURE(status)) throw Failure(Errc::internal, "the time zones are not available");
  ucal_clear(calendar.get());
  ucal_setDateTime(calendar.get(), y, m - 1, d, 0, 0, 0, &status);
  const double ms = ucal_getMillis(calendar.get(), &status);
  if (U_FAILURE(status)) throw Failure(Errc::internal, "the time zones are not available");
  return static_cast<std::int64_t>(ms / 1000);
}

}  // namespace

std::int64_t instant_of(std::string_view text, std::string_view zone, std::string_view field) {
  const Failure bad(Errc::invalid, "not a date: \"" + printable(text, 60) + "\"", std::string(field),
                    "Write 2026-11-20, or 2026-11-20T14:00:00+01:00");
  int n[7] = {};
  if (zone.size() > 60) no_zone(zone);
  if (read(text, "dddd-dd-dd", n)) {
    const std::optional<std::int64_t> day = day_number(n[0], n[1], n[2]);
    if (!day) throw bad;
    if (const auto offset = offset_of(zone)) return *day * 86'400 - *offset;
    return day_begins(n[0], n[1], n[2], zone);
  }
  if (text.size() < 20) throw bad;
  std::string_view zone_text = text.substr(19);
  if (zone_text.starts_with('.')) {  // fractions of a second do not count
    const std::size_t end = zone_text.find_first_not_of("0123456789", 1);
    if (end == std::string_view::npos || end < 2) throw bad;
    zone_text.remove_prefix(end);
  }
  std::string clock(text.substr(0, 19));
  if (clock[10] == 't' || clock[10] == ' ') clock[10] = 'T';
  const std::optional<std::int64_t> offset = offset_of(zone_text);
  if (!read(clock, "dddd-dd-ddTdd:dd:dd", n) || !offset) throw bad;
  const std::optional<std::int64_t> day = day_number(n[0], n[1], n[2]);
  if (!day || n[3] > 23 || n[4] > 59 || n[5] > 60) throw bad;
  return *day * 86'400 + n[3] * 3'600 + n[4] * 60 + n[5] - *offset;
}

std::string utc_seconds(std::int64_t s) {
  using namespace std::chrono;
  const std::int64_t day = (s - ((s % 86'400) + 86'400) % 86'400) / 86'400, second = s - day * 86'400;
  const year_month_day date{sys_days{days{static_cast<int>(day)}}};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(second / 3600), static_cast<int>(second / 60 % 60),
                static_cast<int>(second % 60));
  return text;
}

}  // namespace mailroom::tools
