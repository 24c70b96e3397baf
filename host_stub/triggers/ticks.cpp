#include "triggers/ticks.hpp"

#include "sessions/yaml.hpp"

namespace aoh::host {

Schedule schedule_of(const Json& fields) {
  const Zone zone = fields["timezone"].is_string() ? Zone::named(fields["timezone"].str()) : Zone();
  if (fields["at"].is_string()) return Schedule::at(fields["at"].str(), zone);
  if (fields["cron"].is_string()) return Schedule::cron(fields["cron"].str(), zone);
  const auto period = parse_duration(fields["every"].str());
  if (period <= 0) throw ScheduleError("must be a duration of 1s or more, such as 15m, 6h or 7d");
  return Schedule::every(period, zone);
}

CronCursor CronCursor::of(std::string_view stored, const Json& schedule, std::int64_t now_ns) {
  try {
    const Json json = Json::parse(stored);
    if (json["schedule"] == schedule && json["since_ns"].is_int() && json["settled_ns"].is_int())
      return {schedule, json["since_ns"].integer(), json["settled_ns"].integer()};
  } catch (const JsonError&) {  // NOLINT(bugprone-empty-catch): none was stored
  }
  return {schedule, now_ns, now_ns};
}

std::string CronCursor::text() const {
  return Json{{"schedule", schedule}, {"since_ns", since_ns}, {"settled_ns", settled_ns}}.dump();
}

Owed owed(const Schedule& schedule, Missed missed, const CronCursor& cursor, std::int64_t now_ns) {
  const auto newest = schedule.newest(cursor.settled_ns, now_ns, cursor.since_ns);
  if (!newest) return {{}, 0, cursor.settled_ns};
  Owed out{{}, 0, *newest};
  for (auto t = schedule.next(cursor.settled_ns, cursor.since_ns); *t < *newest && out.left_out < kMaxCounted;
       t = schedule.next(*t, cursor.since_ns))
    ++out.left_out;
  if (missed == Missed::run_once || now_ns - *newest <= kLateNs) {
    out.tick = Tick{*newest, out.left_out};
  } else {
    ++out.left_out;
  }
  return out;
}

}  // namespace aoh::host
