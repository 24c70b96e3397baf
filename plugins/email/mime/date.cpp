// Dates as they are found: RFC 5322 §3.3 and §4.3, asctime, ISO 8601.
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
  return out;
}

bool read_time(std::string_view word, Fields& f) {
  const std::size_t c1 = word.find(':');
  if (c1 == word.npos) return false;
  const std::size_t c2 = word.find(':', c1 + 1);
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
  const std::size_t letters = word.find_first_of("+-");
  const std::string name = to_lower(word.substr(0, letters));
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
  } else if (!f.month) {
    read_dashed(word, f);
  }
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
  if (f.year < 1900 || f.year > 9999 || f.month < 1 || f.month > 12 || f.day < 1 ||
      f.day > days_in(f.year, f.month))
    return {};
  if (f.hour > 23 || f.minute > 59 || f.second > 60) return {};
  if (f.hour < 0) f.hour = 0;
  const int second = std::min(f.second, 59);  // a leap second has no number of its own in Unix time
  const int zone = f.zone.value_or(0);
  ParsedDate date;
  const std::int64_t of_day = f.hour * 3600 + f.minute * 60 + second;
  date.unix_seconds =
      days_from_civil(f.year, f.month, f.day) * 86400 + of_day - static_cast<std::int64_t>(zone) * 60;
  std::array<char, 64> text{};
  int n = std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d", f.year, f.month, f.day,
                        f.hour, f.minute, second);
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
