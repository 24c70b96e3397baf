#include "triggers/zone.hpp"

#define USE_OS_TZDB 1  // as Debian builds the library
#define ONLY_C_LOCALE 1
#define HAS_STRING_VIEW 1
#include <date/tz.h>

#include <cstdio>
#include <vector>

#include "sessions/yaml.hpp"
#include "support/json.hpp"

namespace aoh::host {
namespace {

std::string no_such_zone(std::string_view name) {
  std::vector<std::string_view> known;
  for (const auto& zone : date::get_tzdb().zones) known.push_back(zone.name());
  std::string why = "there is no time zone \"" + std::string(utf8_prefix(name, 60)) + "\"";
  if (const auto near = nearest_name(name, known); !near.empty())
    return why + "; did you mean \"" + std::string(near) + "\"?";
  return why + "; write an IANA name such as Europe/Berlin, or UTC";
}

}  // namespace

Zone Zone::named(std::string_view name) {
  Zone zone;
  if (name == "UTC") return zone;
  const date::time_zone* found = nullptr;
  try {
    for (const auto& candidate : date::get_tzdb().zones)
      if (candidate.name() == name) found = &candidate;
    if (found != nullptr) found->get_info(date::sys_seconds{});  // reads its file
  } catch (const std::exception& e) {
    throw ScheduleError("the time zones of /usr/share/zoneinfo cannot be read (" + std::string(e.what()) +
                        "); install tzdata, or use UTC");
  }
  if (found == nullptr) throw ScheduleError(no_such_zone(name));
  zone.name_ = name;
  zone.rules_ = found;
  return zone;
}

Zone::Span Zone::at(std::int64_t unix_s) const {
  if (rules_ == nullptr) return {INT64_MIN, INT64_MAX, 0};
  const auto info =
      static_cast<const date::time_zone*>(rules_)->get_info(date::sys_seconds{std::chrono::seconds{unix_s}});
  return {info.begin.time_since_epoch().count(), info.end.time_since_epoch().count(), info.offset.count()};
}

std::string local_text(const Zone& zone, std::int64_t unix_ns) {
  const std::int64_t seconds = floor_div(unix_ns, 1'000'000'000), offset = zone.at(seconds).offset;
  const std::int64_t local = seconds + offset, day = floor_div(local, 86400), of_day = local - day * 86400;
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", int{date.year()}, unsigned{date.month()},
                unsigned{date.day()}, static_cast<int>(of_day / 3600), static_cast<int>(of_day / 60 % 60),
                static_cast<int>(of_day % 60));
  std::string out = text;
  if (const auto ms = static_cast<int>((unix_ns - seconds * 1'000'000'000) / 1'000'000); ms != 0) {
    std::snprintf(text, sizeof text, ".%03d", ms);
    out += text;
  }
  if (offset == 0) return out + "Z";
  const auto minutes = static_cast<int>((offset < 0 ? -offset : offset) / 60);
  std::snprintf(text, sizeof text, "%c%02d:%02d", offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
  return out + text;
}

}  // namespace aoh::host
