#include "watch/source.hpp"

#include "base/error.hpp"
#include "mime/parse.hpp"

namespace mailroom::watch {
namespace {

// Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant's algorithm).
std::int64_t days_from_civil(std::int64_t y, unsigned m, unsigned d) {
  y -= m <= 2;
  const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
  const auto yoe = static_cast<unsigned>(y - era * 400);
  const unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
  const unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  return era * 146'097 + static_cast<std::int64_t>(doe) - 719'468;
}

std::optional<int> number(std::string_view t, std::size_t at, std::size_t n) {
  if (t.size() < at + n) return std::nullopt;
  int v = 0;
  for (std::size_t i = at; i < at + n; ++i) {
    if (t[i] < '0' || t[i] > '9') return std::nullopt;
    v = v * 10 + (t[i] - '0');
  }
  return v;
}

[[noreturn]] void bad(std::string_view text) {
  throw Failure(Errc::config, "start_from is not now, unseen, all or a date: \"" + printable(text, 64) + "\"",
                "start_from", "Write for example 2026-11-23 or 2026-11-23T08:00:00Z");
}

}  // namespace

StartFrom StartFrom::parse(std::string_view t) {
  if (t.empty() || t == "now") return {Kind::now, 0};
  if (t == "unseen") return {Kind::unseen, 0};
  if (t == "all") return {Kind::all, 0};
  const auto y = number(t, 0, 4), m = number(t, 5, 2), d = number(t, 8, 2);
  if (!y || !m || !d || t[4] != '-' || t[7] != '-' || *m < 1 || *m > 12 || *d < 1 || *d > 31) bad(t);
  std::int64_t s = days_from_civil(*y, static_cast<unsigned>(*m), static_cast<unsigned>(*d)) * 86'400;
  if (t.size() == 10) return {Kind::date, s};
  const auto hh = number(t, 11, 2), mm = number(t, 14, 2);
  if ((t[10] != 'T' && t[10] != 't' && t[10] != ' ') || !hh || !mm || *hh > 23 || *mm > 59 || t[13] != ':')
    bad(t);
  s += *hh * 3600 + *mm * 60;
  std::string_view rest = t.substr(16);
  if (rest.starts_with(':')) {
    const auto ss = number(rest, 1, 2);
    if (!ss || *ss > 60) bad(t);
    s += *ss;
    rest.remove_prefix(3);
    if (rest.starts_with('.')) do
        rest.remove_prefix(1);
      while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9');
  }
  if (rest.empty() || rest == "Z" || rest == "z") return {Kind::date, s};
  const auto oh = number(rest, 1, 2), om = number(rest, 4, 2);
  if ((rest[0] != '+' && rest[0] != '-') || rest.size() != 6 || rest[3] != ':' || !oh || !om) bad(t);
  s += (rest[0] == '-' ? 1 : -1) * (*oh * 3600 + *om * 60);
  return {Kind::date, s};
}

bool StartFrom::admits(bool seen, std::optional<std::int64_t> internal_date_s) const {
  switch (kind) {
    case Kind::now:
      return false;
    case Kind::unseen:
      return !seen;
    case Kind::all:
      return true;
    case Kind::date:
      return !internal_date_s || *internal_date_s >= date_s;
  }
  return false;
}

Source Source::from(const aoh::Json& json, RuleSets* sets) {
  Source s;
  s.trigger_id = json["trigger_id"].str();
  s.credential_id = json["key"]["credential_id"].str();
  s.mailbox = json["key"]["mailbox"].str_or("INBOX");
  if (s.credential_id.empty())
    throw Failure(Errc::config, "the trigger names no mail account", "credential_id");
  aoh::Json blueprints = aoh::Json::array();
  for (const aoh::Json& b : json["blueprints"].items()) {
    blueprints.push({{"id", b["id"]}, {"match", b["match"]}});
    const std::string& id = b["id"].str();
    try {
      s.blueprints.push_back(
          {id, policy::Match::compile(b["match"]), StartFrom::parse(b["start_from"].str())});
    } catch (const Failure& f) {
      Error e = f.error;
      e.where = "blueprint " + printable(id, 100) + ": " + e.where;
      throw Failure(std::move(e));
    }
  }
  s.asked = blueprints.dump();
  s.rules = sets ? sets->of(json["rules"]) : RuleSets().of(json["rules"]);
  return s;
}

}  // namespace mailroom::watch
