// Dates as they are found: RFC 5322 §3.3 and §4.3, asctime, ISO 8601.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "mime/ascii.hpp"
#include "mime/parse.hpp"

namespace mailroom::mime {
namespace {

struct Zone {
  std::string_view name;
  int minutes;
};
constexpr std::array kZones = std::to_array<Zone>({
    {"gmt", 0},    {"ut", 0},     {"utc", 0},    {"z", 0},      {"wet", 0},    {"est", -300},
    {"edt", -240}, {"cst", -360}, {"cdt", -300}, {"mst", -420}, {"mdt", -360}, {"pst", -480},
    {"pdt", -420}, {"cet", 60},   {"met", 60},   {"mez", 60},   {"cest", 120}, {"mest", 120},
    {"mesz", 120}, {"bst", 60},   {"eet", 120},  {"eest", 180}, {"msk", 180},  {"jst", 540},
    {"kst", 540},  {"hkt", 480},  {"ist", 330},  {"aest", 600}, {"aedt", 660}, {"nzst", 720},
});
constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";

struct Fields {
  int day = 0, month = 0, year = -1;
  int hour = -1, minute = 0, second = 0;
  std::optional<int> zone;  // minutes east
  bool pm = false, am = false;
};

std::optional<int> number(std::string_view s, std::size_t max_digits) {
  if (s.empty() || s.size() > max_digits) return {};
  int n = 0;
  for (char c : s) {
    if (!is_digit(c)) return {};
    n = n * 10 + (c - '0');
  }
  return n;
}

int month_of(std::string_view word) {
  if (word.size() < 3) return 0;
  const std::size_t at = kMonths.find(to_lower(word.substr(0, 3)));
  return at != kMonths.npos && at % 3 == 0 ? static_cast<int>(at / 3) + 1 : 0;
}

std::string strip_comments(std::string_view s) {
  std::string out;
  int depth = 0;
  for (char c : s) {
    if (c == '(')
      ++depth;
    else if (c == ')')
      depth -= depth > 0;
    else if (!depth)
      out += c;
  }
  std::string tight;  // "09:55 : 06"
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (is_space(out[i])) {
      const std::size_t next = out.find_first_not_of(" \t\r\n", i);
      if (next != out.npos && (out[next] == ':' || (tight.ends_with(':') && is_digit(out[next])))) {
        i = next - 1;
        continue;
      }
    }
    tight += out[i];
  }
  return tight;
}

// "10:00", "10:00:00.123", with '.' for ':' where `separator` says so.
bool read_time(std::string_view word, Fields& f, char separator = ':') {
  const std::size_t c1 = word.find(separator);
  if (c1 == word.npos) return false;
  const std::size_t c2 = word.find(separator, c1 + 1);
  const auto hour = number(word.substr(0, c1), 2);
  const auto minute = number(word.substr(c1 + 1, c2 == word.npos ? c2 : c2 - c1 - 1), 2);
  if (!hour || !minute) return false;
  int second = 0;
  if (c2 != word.npos) {
    std::string_view rest = word.substr(c2 + 1);
    const auto s = number(rest.substr(0, rest.find_first_of(".,")), 2);
    if (!s) return false;
    second = *s;
  }
  f.hour = *hour;
  f.minute = *minute;
  f.second = second;
  return true;
}

// "+0100", "+01:00", "-5".
std::optional<int> offset(std::string_view word) {
  if (word.size() < 2 || (word[0] != '+' && word[0] != '-')) return {};
  std::string digits;
  for (char c : word.substr(1))
    if (c != ':') digits += c;
  const auto n = number(digits, 4);
  if (!n) return {};
  const int minutes = digits.size() > 2 ? *n / 100 * 60 + *n % 100 : *n * 60;
  if (minutes > 15 * 60) return 0;  // no such zone: what is left is UTC
  return word[0] == '-' ? -minutes : minutes;
}

bool read_zone(std::string_view word, Fields& f) {
  if (const auto minutes = offset(word)) {
    f.zone = minutes;
    return true;
  }
  std::size_t letters = word.find_first_of("+-");
  std::string name = to_lower(word.substr(0, letters));
  while (!name.empty() && (name.front() == '"' || name.front() == '\'')) name.erase(0, 1);
  const auto end = std::find_if_not(name.begin(), name.end(), is_alpha);  // "EST5EDT"
  name.erase(end, name.end());
  for (const auto& zone : kZones) {
    if (zone.name != name) continue;
    f.zone = zone.minutes;
    if (letters != word.npos)  // "GMT+0100"
      if (const auto minutes = offset(word.substr(letters))) f.zone = minutes;
    return true;
  }
  return false;
}

// "2012-11-04" and "17-May-2000".
bool read_dashed(std::string_view word, Fields& f) {
  const std::size_t d1 = word.find('-');
  const std::size_t d2 = d1 == word.npos ? d1 : word.find('-', d1 + 1);
  if (d2 == word.npos) return false;
  const std::string_view a = word.substr(0, d1), b = word.substr(d1 + 1, d2 - d1 - 1),
                         c = word.substr(d2 + 1);
  const auto first = number(a, 4), last = number(c, 4);
  const int named = month_of(b);
  const auto middle = named ? std::optional(named) : number(b, 2);
  if (!first || !last || !middle) return false;
  f.month = *middle;
  f.day = a.size() == 4 ? *last : *first;
  f.year = a.size() == 4 ? *first : *last;
  return a.size() == 4 || named;
}

// "11/23/2020" as Americans write it, unless only the other order is a date.
bool read_slashed(std::string_view word, Fields& f) {
  const std::size_t s1 = word.find('/');
  const std::size_t s2 = s1 == word.npos ? s1 : word.find('/', s1 + 1);
  if (s2 == word.npos) return false;
  const auto a = number(word.substr(0, s1), 2), b = number(word.substr(s1 + 1, s2 - s1 - 1), 2),
             year = number(word.substr(s2 + 1), 4);
  if (!a || !b || !year) return false;
  f.month = *a > 12 ? *b : *a;
  f.day = *a > 12 ? *a : *b;
  f.year = *year;
  return true;
}

// Days since 1970-01-01 in the proleptic Gregorian calendar.
std::int64_t days_from_civil(int y, int m, int d) {
  y -= m <= 2;
  const std::int64_t era = y / 400;
  const std::int64_t yoe = y - era * 400;
  const std::int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
  return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

int days_in(int year, int month) {
  constexpr std::array days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : days[static_cast<std::size_t>(month - 1)];
}

void read_word(std::string_view word, Fields& f) {
  if (word.find(':') != word.npos && f.hour < 0) {
    // "12:00:00+0100", "12:00:00Z", "2012-11-04T12:00:00Z"
    const std::size_t t = word.find_first_of("Tt");
    if (t != word.npos && t > 0 && is_digit(word[t - 1]) && read_dashed(word.substr(0, t), f))
      word.remove_prefix(t + 1);
    const std::size_t zone = word.find_first_of("+-Zz");
    if (read_time(word.substr(0, zone), f)) {
      if (zone != word.npos) read_zone(word.substr(zone), f);
      return;
    }
  }
  if (iequals(word, "am") || iequals(word, "pm")) {
    f.am = lower(word[0]) == 'a';
    f.pm = !f.am;
  } else if (f.hour >= 0 && !f.zone && read_zone(word, f)) {
    // taken
  } else if (!f.month && month_of(word) && is_alpha(word.back())) {
    f.month = month_of(word);
  } else if (const auto n = number(word, 4)) {
    if (!f.day && word.size() <= 2)
      f.day = *n;
    else if (f.year < 0 && f.month)
      f.year = *n;
  } else if (f.day && f.hour < 0 && read_time(word, f, '.')) {
    // taken: "10.00.00"
  } else if (!f.month && !read_slashed(word, f)) {
    read_dashed(word, f);
  }
}

// The inverse of days_from_civil().
void civil_from_days(std::int64_t days, int& y, int& m, int& d) {
  days += 719468;
  const std::int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const std::int64_t doe = days - era * 146097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::int64_t mp = (5 * doy + 2) / 153;
  d = static_cast<int>(doy - (153 * mp + 2) / 5 + 1);
  m = static_cast<int>(mp < 10 ? mp + 3 : mp - 9);
  y = static_cast<int>(yoe + era * 400 + (m <= 2));
}

}  // namespace

std::optional<ParsedDate> parse_date(std::string_view value) {
  if (value.size() > 1000) value = value.substr(0, 1000);
  const std::string clean = strip_comments(value);
  const std::string_view s = clean;
  Fields f;
  std::size_t year_digits = 0;
  for (std::size_t at = 0; at < s.size();) {
    const std::size_t end = std::min(s.find_first_of(" \t\r\n,", at), s.size());
    if (end > at) {
      const int year = f.year;
      const std::string_view word = s.substr(at, end - at);
      read_word(word, f);
      if (year < 0 && f.year >= 0) year_digits = number(word, 4) ? word.size() : (f.year >= 100 ? 4 : 2);
    }
    at = end + 1;
  }
  // RFC 5322 §4.3: two digits below 50 are of this century, others and three digits count from 1900.
  if (f.year >= 0 && year_digits == 2) f.year += f.year < 50 ? 2000 : 1900;
  if (year_digits == 3) f.year += 1900;
  if (f.pm && f.hour < 12) f.hour += 12;
  if (f.am && f.hour == 12) f.hour = 0;
  if (f.year < 1900 || f.year > 9998 || f.month < 1 || f.month > 12 || f.day < 1 ||
      f.day > days_in(f.year, f.month))
    return {};
  if (f.hour > 24 || (f.hour == 24 && (f.minute || f.second)) || f.minute > 59 || f.second > 60) return {};
  if (f.hour < 0) f.hour = 0;
  const int zone = f.zone.value_or(0);
  ParsedDate date;
  // 24:00:00 and a leap second have no numbers of their own in Unix time: they are the next day's, and
  // second's.
  const std::int64_t local =
      days_from_civil(f.year, f.month, f.day) * 86400 + f.hour * 3600 + f.minute * 60 + f.second;
  date.unix_seconds = local - static_cast<std::int64_t>(zone) * 60;
  const std::int64_t days = local >= 0 ? local / 86400 : (local - 86399) / 86400;
  const auto of_day = static_cast<int>(local - days * 86400);
  civil_from_days(days, f.year, f.month, f.day);
  std::array<char, 64> text{};
  int n = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d", f.year, f.month, f.day,
                        of_day / 3600, of_day / 60 % 60, of_day % 60);
  date.rfc3339.assign(text.data(), static_cast<std::size_t>(n));
  if (zone == 0) {
    date.rfc3339 += 'Z';
  } else {
    n = std::snprintf(text.data(), text.size(), "%c%02d:%02d", zone < 0 ? '-' : '+', std::abs(zone) / 60,
                      std::abs(zone) % 60);
    date.rfc3339.append(text.data(), static_cast<std::size_t>(n));
  }
  return date;
}

}  // namespace mailroom::mime
