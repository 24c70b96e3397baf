#include "triggers/cron_fields.hpp"

#include <array>
#include <bit>
#include <string>
#include <vector>

#include "sessions/yaml.hpp"
#include "support/json.hpp"

namespace aoh::host {
namespace {

using Names = std::vector<std::string_view>;

struct FieldKind {
  const char* name;
  int low, high;
  Names names;  // of the values from low on
};

const std::array<FieldKind, 5> kFields = {{
    {"minute", 0, 59, {}},
    {"hour", 0, 23, {}},
    {"day of month", 1, 31, {}},
    {"month", 1, 12, {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
    {"day of week", 0, 7, {"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}};

struct Nickname {
  std::string_view word, fields;
};
constexpr std::array<Nickname, 7> kNicknames = {{{"@hourly", "0 * * * *"},
                                                 {"@daily", "0 0 * * *"},
                                                 {"@midnight", "0 0 * * *"},
                                                 {"@weekly", "0 0 * * 0"},
                                                 {"@monthly", "0 0 1 * *"},
                                                 {"@yearly", "0 0 1 1 *"},
                                                 {"@annually", "0 0 1 1 *"}}};

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}

[[noreturn]] void wrong(const FieldKind& kind, std::string_view part, const std::string& why) {
  throw ScheduleError(std::string(kind.name) + " \"" + std::string(utf8_prefix(part, 60)) + "\": " + why);
}

std::string within(const FieldKind& kind) {
  return std::to_string(kind.low) + " to " + std::to_string(kind.high);
}

/// -1 when it is no number of at most three digits.
int number(std::string_view text) {
  if (text.empty() || text.size() > 3) return -1;
  int n = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    n = n * 10 + (c - '0');
  }
  return n;
}

int value(const FieldKind& kind, std::string_view part, std::string_view word) {
  if (const int n = number(word); n >= 0) {
    if (n < kind.low || n > kind.high)
      wrong(kind, part, std::to_string(n) + " is not within " + within(kind));
    return n;
  }
  const std::string folded = lower(word);
  for (std::size_t i = 0; i < kind.names.size(); ++i)
    if (kind.names[i] == folded) return kind.low + static_cast<int>(i);
  std::string why = "expected " + within(kind);
  if (!kind.names.empty()) why += ", or a name such as " + std::string(kind.names[1]);
  if (const auto near = nearest_name(folded, kind.names); !near.empty())
    why += "; did you mean \"" + std::string(near) + "\"?";
  wrong(kind, part, why);
}

/// One of a list: `*`, a value, or a range, the last and the first with a step.
std::uint64_t part_set(const FieldKind& kind, std::string_view part) {
  const auto slash = part.find('/');
  const auto range = part.substr(0, slash);
  const auto dash = range.find('-');
  int from = kind.low, to = kind.high == 7 ? 6 : kind.high, step = 1;
  if (range != "*") {
    from = value(kind, part, range.substr(0, dash));
    to = from;
    if (dash != std::string_view::npos) {
      const auto end = range.substr(dash + 1);
      to = value(kind, part, end);
      if (to < from && kind.high == 7 && lower(end) == "sun") to = 7;  // fri-sun ends with the week
      if (to < from) wrong(kind, part, "the range ends before it begins; write two, by a comma");
    } else if (slash != std::string_view::npos) {
      wrong(kind, part,
            "a step needs * or a range before it, such as " + std::string(range) + "-" +
                std::to_string(kind.high) + "/2");
    }
  }
  if (slash != std::string_view::npos) {
    step = number(part.substr(slash + 1));
    if (step < 1 || step > kind.high)
      wrong(kind, part, "a step is a number from 1 to " + std::to_string(kind.high));
  }
  std::uint64_t set = 0;
  for (int v = from; v <= to; v += step) set |= std::uint64_t{1} << (kind.high == 7 ? v % 7 : v);
  return set;
}

std::uint64_t field_set(const FieldKind& kind, std::string_view field) {
  std::uint64_t set = 0;
  while (true) {
    const auto comma = field.find(',');
    set |= part_set(kind, field.substr(0, comma));
    if (comma == std::string_view::npos) return set;
    field.remove_prefix(comma + 1);
  }
}

Names words_of(std::string_view text) {
  Names words;
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = text.find_first_not_of(" \t", at);
    if (begin == std::string_view::npos) break;
    at = std::min(text.find_first_of(" \t", begin), text.size());
    words.push_back(text.substr(begin, at - begin));
  }
  return words;
}

}  // namespace

CronFields parse_cron(std::string_view text) {
  if (text.size() > kMaxCronText)
    throw ScheduleError("the expression is longer than " + std::to_string(kMaxCronText) + " bytes");
  Names words = words_of(text);
  if (words.size() == 1 && words[0].starts_with('@')) {
    Names known;
    for (const auto& nickname : kNicknames) {
      if (nickname.word == lower(words[0])) return parse_cron(nickname.fields);
      known.push_back(nickname.word);
    }
    const auto near = nearest_name(lower(words[0]), known);
    throw ScheduleError("\"" + std::string(utf8_prefix(words[0], 60)) + "\" is not known" +
                        (near.empty() ? std::string("; write five fields")
                                      : "; did you mean \"" + std::string(near) + "\"?"));
  }
  if (words.size() != kFields.size())
    throw ScheduleError("five fields are wanted (minute, hour, day of month, month, day of week), here are " +
                        std::to_string(words.size()));
  CronFields fields;
  fields.minutes = field_set(kFields[0], words[0]);
  fields.hours = field_set(kFields[1], words[1]);
  fields.days = field_set(kFields[2], words[2]);
  fields.months = field_set(kFields[3], words[3]);
  fields.weekdays = field_set(kFields[4], words[4]);
  fields.rhythm = words[0].starts_with('*') || words[1].starts_with('*');
  fields.star_day = words[2].starts_with('*');
  fields.star_weekday = words[4].starts_with('*');
  return fields;
}

bool CronFields::on(std::chrono::year_month_day date, std::chrono::weekday weekday) const {
  const auto has = [](std::uint64_t set, unsigned bit) { return (set >> bit & 1) != 0; };
  if (!has(months, unsigned{date.month()})) return false;
  const bool day = has(days, unsigned{date.day()}), of_week = has(weekdays, weekday.c_encoding());
  return star_day || star_weekday ? day && of_week : day || of_week;
}

std::optional<std::int64_t> CronFields::first(std::int64_t from, std::int64_t end) const {
  using namespace std::chrono;
  const std::int64_t minute = floor_div(from + 59, 60);
  std::int64_t day = floor_div(minute, 1440), of_day = minute - day * 1440;
  while (day * 86400 < end) {
    const sys_days at{std::chrono::days{day}};
    const year_month_day date{at};
    if ((months >> unsigned{date.month()} & 1) == 0) {
      day = sys_days{(date.year() / date.month() + std::chrono::months{1}) / 1}.time_since_epoch().count();
      of_day = 0;
      continue;
    }
    if (on(date, weekday{at})) {
      auto hour = static_cast<unsigned>(of_day / 60), least = static_cast<unsigned>(of_day % 60);
      for (; hour < 24; ++hour, least = 0) {
        const std::uint64_t left = minutes >> least << least;
        if ((hours >> hour & 1) == 0 || left == 0) continue;
        const std::int64_t hit = day * 86400 + hour * 3600 + std::countr_zero(left) * 60;
        return hit < end ? std::optional(hit) : std::nullopt;
      }
    }
    ++day;
    of_day = 0;
  }
  return std::nullopt;
}

}  // namespace aoh::host
