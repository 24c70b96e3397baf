// The filter date: RFC 3339 (or seconds since 1970) to a text, in a fixed offset. No time zone names: what an
// offset means on a day is the caller's business, so the same value gives the same text on every machine.
#include <chrono>
#include <cstdio>

#include "support/tmpl/filters.hpp"

namespace aoh::tmpl {
namespace {

using namespace std::chrono;

struct Moment {
  sys_seconds utc;
  minutes offset{0};
};

/// Two or more digits at s[i], or -1.
int digits(std::string_view s, std::size_t i, std::size_t n) {
  int out = 0;
  for (std::size_t k = i; k < i + n; ++k) {
    if (k >= s.size() || s[k] < '0' || s[k] > '9') return -1;
    out = out * 10 + (s[k] - '0');
  }
  return out;
}

/// "UTC", "Z", "+02:00", "-0330".
std::optional<minutes> offset(std::string_view s) {
  if (s == "UTC" || s == "Z" || s == "z") return minutes(0);
  if (s.size() < 5 || (s[0] != '+' && s[0] != '-')) return {};
  const std::size_t second = s[3] == ':' ? 4 : 3;
  const int h = digits(s, 1, 2), m = digits(s, second, 2);
  if (h < 0 || h > 23 || m < 0 || m > 59 || s.size() != second + 2) return {};
  return (s[0] == '-' ? -1 : 1) * (hours(h) + minutes(m));
}

/// RFC 3339 §5.6, also with a space for the T, without seconds, without an offset (UTC), or the date alone.
std::optional<Moment> moment(std::string_view s) {
  const int y = digits(s, 0, 4), mo = digits(s, 5, 2), d = digits(s, 8, 2);
  if (y < 0 || mo < 0 || d < 0 || s[4] != '-' || s[7] != '-') return {};
  const year_month_day day{year(y), month(static_cast<unsigned>(mo)),
                           std::chrono::day(static_cast<unsigned>(d))};
  if (!day.ok()) return {};
  Moment out{sys_days(day), minutes(0)};
  if (s.size() == 10) return out;
  const int h = digits(s, 11, 2), mi = digits(s, 14, 2);
  if ((s[10] != 'T' && s[10] != 't' && s[10] != ' ') || h < 0 || h > 23 || mi < 0 || mi > 59 || s[13] != ':')
    return {};
  std::size_t i = 16;
  int sec = 0;
  if (i < s.size() && s[i] == ':') {
    sec = digits(s, i + 1, 2);
    if (sec < 0 || sec > 60) return {};
    i += 3;
    if (i < s.size() && s[i] == '.') {
      if (digits(s, ++i, 1) < 0) return {};
      while (digits(s, i, 1) >= 0) ++i;
    }
  }
  if (i < s.size()) {
    const auto o = offset(s.substr(i));
    if (!o) return {};
    out.offset = *o;
  }
  out.utc += hours(h) + minutes(mi) + seconds(sec) - out.offset;
  return out;
}

constexpr const char* kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                 "Thursday", "Friday", "Saturday"};
constexpr const char* kMonths[] = {"January", "February", "March",     "April",   "May",      "June",
                                   "July",    "August",   "September", "October", "November", "December"};

std::string padded(const char* how, int n) {
  char text[24];
  std::snprintf(text, sizeof text, how, n);
  return text;
}

std::string field(char f, const Moment& m) {
  const auto local = m.utc + m.offset;
  const auto day = floor<days>(local);
  const year_month_day date(day);
  const hh_mm_ss time(local - day);
  const int h = static_cast<int>(time.hours().count()), min = static_cast<int>(time.minutes().count());
  const int y = static_cast<int>(date.year()), away = static_cast<int>(std::abs(m.offset.count()));
  const unsigned mo = static_cast<unsigned>(date.month()), wd = weekday(day).c_encoding();
  const int d = static_cast<int>(static_cast<unsigned>(date.day()));
  switch (f) {
    case 'Y':
      return padded("%04d", y);
    case 'y':
      return padded("%02d", ((y % 100) + 100) % 100);
    case 'm':
      return padded("%02d", static_cast<int>(mo));
    case 'd':
      return padded("%02d", d);
    case 'e':
      return padded("%2d", d);
    case 'j':
      return padded("%03d", static_cast<int>((day - sys_days(date.year() / 1 / 1)).count()) + 1);
    case 'H':
      return padded("%02d", h);
    case 'I':
      return padded("%02d", h % 12 == 0 ? 12 : h % 12);
    case 'p':
      return h < 12 ? "AM" : "PM";
    case 'M':
      return padded("%02d", min);
    case 'S':
      return padded("%02d", static_cast<int>(time.seconds().count()));
    case 'A':
      return kDays[wd];
    case 'a':
      return std::string(kDays[wd], 3);
    case 'B':
      return kMonths[mo - 1];
    case 'b':
      return std::string(kMonths[mo - 1], 3);
    case 'F':
      return field('Y', m) + "-" + field('m', m) + "-" + field('d', m);
    case 'T':
      return field('H', m) + ":" + field('M', m) + ":" + field('S', m);
    case 'z':
      return (m.offset.count() < 0 ? "-" : "+") + padded("%02d", away / 60) + padded("%02d", away % 60);
    case 's':
      return std::to_string(m.utc.time_since_epoch().count());
    case '%':
      return "%";
    default:
      throw FilterProblem(std::string("date knows no %") + (f > ' ' && f < 0x7F ? f : '?') +
                          "; it knows %Y %y %m %d %e %j %H %I %p %M %S %A %a %B %b %F %T %z %s %%");
  }
}

}  // namespace

Value filter_date(const FilterCall& c) {
  std::optional<Moment> m;
  constexpr std::int64_t kMost = 253'402'300'799;  // the year 9999
  if (c.in->is_int() && c.in->integer() >= -62'135'596'800 && c.in->integer() <= kMost)
    m = Moment{sys_seconds(seconds(c.in->integer()))};
  else if (c.in->is_string())
    m = moment(c.in->str());
  if (!m)
    throw FilterProblem(
        "date needs a time as 2026-11-26T08:30:00Z or 2026-11-26, or seconds since 1970; this is " +
        (c.in->is_string() ? std::string("another text") : std::string("of type ") + c.in->type_name()));
  if (c.given(1)) {
    const auto o = offset(c.text(1, ""));
    if (!o) throw FilterProblem("date's tz is \"UTC\" or an offset like \"+02:00\"");
    m->offset = *o;
  }
  const std::string format = c.text(0, "%Y-%m-%d");
  if (format.size() > 200) throw FilterProblem("date's format has more than 200 bytes");
  std::string out;
  for (std::size_t i = 0; i < format.size(); ++i)
    if (format[i] != '%')
      out += format[i];
    else if (format[i + 1] == '-' && i + 2 < format.size()) {  // %-d: without the leading zeros
      const std::string f = field(format[i + 2], *m);
      const std::size_t first = f.find_first_not_of("0 ");
      out += first == std::string::npos ? "0" : f.substr(first);
      i += 2;
    } else {
      out += field(i + 1 < format.size() ? format[i + 1] : '?', *m);
      ++i;
    }
  return Value(Json(std::move(out)));
}

}  // namespace aoh::tmpl
