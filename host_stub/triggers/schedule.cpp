#include "triggers/schedule.hpp"

#include <algorithm>
#include <array>

#include "support/json.hpp"

namespace aoh::host {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000, kDay = 86400;
constexpr std::int64_t kEnd = 7258118400;  // 2200-01-01, seconds: within what nanoseconds can tell
constexpr std::int64_t kCentury = 36525 * kDay;

[[noreturn]] void no_time(std::string_view text) {
  throw ScheduleError(
      "\"" + std::string(utf8_prefix(text, 60)) +
      "\" is no time from 1970 to 2199; write 2027-01-31T09:00:00+01:00, or 2027-01-31T09:00 with timezone");
}

/// Reads fixed-width digits and marks from the front of a text.
struct Reader {
  std::string_view all, left;
  int digits(std::size_t n) {
    int value = 0;
    if (left.size() < n) no_time(all);
    for (const char c : left.substr(0, n)) {
      if (c < '0' || c > '9') no_time(all);
      value = value * 10 + (c - '0');
    }
    left.remove_prefix(n);
    return value;
  }
  bool mark(std::string_view any_of) {
    if (left.empty() || any_of.find(left.front()) == std::string_view::npos) return false;
    left.remove_prefix(1);
    return true;
  }
  void need(std::string_view any_of) {
    if (!mark(any_of)) no_time(all);
  }
};

/// RFC 3339 5.6, where the offset, and with it the zone, may be absent; seconds, too.
struct Moment {
  std::int64_t seconds = 0;            // as if it were UTC
  std::int64_t ns = 0;                 // of the second
  std::optional<std::int64_t> offset;  // seconds
};

Moment parse_moment(std::string_view text) {
  Reader in{text, text};
  Moment m;
  const std::chrono::year year{in.digits(4)};
  in.need("-");
  const std::chrono::month month{static_cast<unsigned>(in.digits(2))};
  in.need("-");
  const std::chrono::year_month_day date{year, month, std::chrono::day{static_cast<unsigned>(in.digits(2))}};
  in.need("Tt ");
  const int hour = in.digits(2);
  in.need(":");
  const int minute = in.digits(2), second = in.mark(":") ? in.digits(2) : 0;
  if (!date.ok() || hour > 23 || minute > 59 || second > 59) no_time(text);
  if (in.mark(".")) {
    std::int64_t unit = kSecond / 10;
    do m.ns += in.digits(1) * unit;
    while ((unit /= 10) > 0 && !in.left.empty() && in.left.front() >= '0' && in.left.front() <= '9');
  }
  m.seconds =
      std::chrono::sys_days{date}.time_since_epoch().count() * kDay + hour * 3600 + minute * 60 + second;
  if (in.mark("Zz")) {
    m.offset = 0;
  } else if (!in.left.empty()) {
    const bool west = in.left.front() == '-';
    in.need("+-");
    const int hours = in.digits(2);
    in.need(":");
    const int minutes = in.digits(2);
    if (hours > 23 || minutes > 59) no_time(text);
    m.offset = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
  }
  if (!in.left.empty()) no_time(text);
  return m;
}

/// The first instant whose local time is `local`, or where it is skipped the one that ends the gap.
std::int64_t instant_of(const Zone& zone, std::int64_t local) {
  Zone::Span span = zone.at(local - kDay);  // offsets stay within a day
  while (true) {
    if (local < span.begin + span.offset) return span.begin;
    if (local < span.end + span.offset || span.end == INT64_MAX) return local - span.offset;
    span = zone.at(span.end);
  }
}

}  // namespace

Schedule Schedule::at(std::string_view when, Zone zone) {
  const Moment m = parse_moment(when);
  const std::int64_t second = m.offset ? m.seconds - *m.offset : instant_of(zone, m.seconds);
  if (second < 0 || second >= kEnd) no_time(when);
  Schedule s(Kind::at, std::move(zone));
  s.at_ns_ = second * kSecond + m.ns;
  return s;
}

Schedule Schedule::cron(std::string_view expression, Zone zone) {
  Schedule s(Kind::cron, std::move(zone));
  s.fields_ = parse_cron(expression);
  if (!s.fields_.first(0, kCentury))
    throw ScheduleError("no day of a century meets it: which date is meant?");
  return s;
}

Schedule Schedule::every(std::int64_t period_ns, Zone zone) {
  Schedule s(Kind::every, std::move(zone));
  s.period_ns_ = period_ns;
  return s;
}

std::optional<std::int64_t> Schedule::next_cron(std::int64_t after_s) const {
  const std::int64_t horizon = std::min(after_s + kCentury, kEnd);
  std::int64_t t = after_s + 1;
  while (t < horizon) {
    const Zone::Span span = zone_.at(t);
    std::int64_t from = t + span.offset;
    if (!fields_.rhythm && span.begin > -kCentury) {
      // Local time jumped from `was` to `is` where this span begins.
      const std::int64_t was = span.begin + zone_.at(span.begin - 1).offset, is = span.begin + span.offset;
      if (t == span.begin && fields_.first(was, is)) return t;
      from = std::max(from, was);
    }
    if (const auto hit = fields_.first(from, std::min(span.end, horizon) + span.offset))
      return *hit - span.offset;
    t = span.end;
  }
  return std::nullopt;
}

std::optional<std::int64_t> Schedule::next(std::int64_t after_ns, std::int64_t since_ns) const {
  if (after_ns >= kEnd * kSecond) return std::nullopt;
  switch (kind_) {
    case Kind::at:
      return after_ns < at_ns_ ? std::optional(at_ns_) : std::nullopt;
    case Kind::every:
      return since_ns + (after_ns < since_ns ? 1 : (after_ns - since_ns) / period_ns_ + 1) * period_ns_;
    case Kind::cron:
      if (const auto s = next_cron(std::max<std::int64_t>(floor_div(after_ns, kSecond), 0)))
        return *s * kSecond;
  }
  return std::nullopt;
}

std::optional<std::int64_t> Schedule::newest(std::int64_t after_ns, std::int64_t upto_ns,
                                             std::int64_t since_ns) const {
  // From the last hour, day, month and so on, whichever has one: so few are walked over.
  constexpr std::array<std::int64_t, 4> kReach = {3600, kDay, 32 * kDay, 400 * kDay};
  for (std::size_t i = 0; i <= kReach.size(); ++i) {
    const std::int64_t reach = i < kReach.size() ? kReach[i] * kSecond : upto_ns - after_ns;
    auto found = next(std::max(after_ns, upto_ns - reach), since_ns);
    if (!found || *found > upto_ns) {
      if (upto_ns - reach <= after_ns) break;
      continue;
    }
    if (kind_ == Kind::every) return *found + (upto_ns - *found) / period_ns_ * period_ns_;
    for (auto later = found; later && *later <= upto_ns; later = next(*later, since_ns)) found = later;
    return found;
  }
  return std::nullopt;
}

}  // namespace aoh::host
