#include "host/suppressions.hpp"

#include <array>
#include <chrono>
#include <cstdio>

#include "host/sha256.hpp"

namespace mailroom::host {
namespace {

using Reason = Suppression::Reason;

constexpr std::int64_t kDayNs = 24LL * 3600 * 1'000'000'000;
constexpr int kAttempts = 10;  // at a key that somebody else keeps changing

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string prefix_of(std::string_view credential_id) {
  return "suppressed/" + std::string(credential_id) + "/";
}

/// nullopt where it is none of ours, too.
std::optional<Suppression> read(const std::optional<aoh::State::Value>& value) {
  if (!value) return std::nullopt;
  try {
    return Suppression::from_json(aoh::Json::parse(value->text));
  } catch (const aoh::JsonError&) {
    return std::nullopt;
  }
}

}  // namespace

std::string_view name(Reason reason) {
  switch (reason) {
    case Reason::bounce:
      return "bounce";
    case Reason::complaint:
      return "complaint";
    case Reason::manual:
      return "manual";
  }
  return "manual";
}

std::int64_t Suppression::ends_unix_ns() const {
  return reason == Reason::bounce ? since_unix_ns + kBounceDays * kDayNs : INT64_MAX;
}

aoh::Json Suppression::to_json() const {
  aoh::Json j{{"credential_id", credential_id},
              {"address", address},
              {"reason", std::string(name(reason))},
              {"since_unix_ns", since_unix_ns}};
  j.set_if(!status.empty(), "status", status);
  j.set_if(!said.empty(), "said", printable(said));
  j.set_if(!message_id.empty(), "message_id", printable(message_id));
  return j;
}

std::optional<Suppression> Suppression::from_json(const aoh::Json& j) {
  Suppression s;
  bool known = false;
  for (const Reason r : {Reason::bounce, Reason::complaint, Reason::manual})
    if (name(r) == j["reason"].str()) {
      s.reason = r;
      known = true;
    }
  s.credential_id = j["credential_id"].str();
  s.address = j["address"].str();
  s.status = j["status"].str();
  s.said = j["said"].str();
  s.message_id = j["message_id"].str();
  s.since_unix_ns = j["since_unix_ns"].integer();
  if (!known || s.address.empty()) return std::nullopt;
  return s;
}

std::string suppression_key(std::string_view credential_id, std::string_view address) {
  return prefix_of(credential_id) + sha256_hex(lower(address));
}

std::optional<Suppression> is_suppressed(const Services& services, std::string_view credential_id,
                                         std::string_view address) {
  std::optional<Suppression> s = read(services.state.get(suppression_key(credential_id, address)));
  if (s && s->ends_unix_ns() <= services.clock.wall_ns()) s.reset();
  return s;
}

bool suppress(const Services& services, Suppression suppression) {
  const std::string key = suppression_key(suppression.credential_id, suppression.address);
  const std::int64_t now = services.clock.wall_ns();
  if (suppression.since_unix_ns == 0) suppression.since_unix_ns = now;
  for (int i = 0; i < kAttempts; ++i) {
    const auto value = services.state.get(key);
    const std::optional<Suppression> old = read(value);
    const bool stands = old && old->ends_unix_ns() > now;
    if (stands && (old->reason != Reason::bounce || suppression.reason == Reason::bounce)) return false;
    if (services.state.apply({{key, suppression.to_json().dump(), value ? value->version : 0, false}}))
      return true;
  }
  throw Failure(Errc::temporary, "the list of suppressed addresses is being changed by others", key,
                "Try again");
}

bool release(const Services& services, std::string_view credential_id, std::string_view address) {
  const std::string key = suppression_key(credential_id, address);
  if (!services.state.get(key)) return false;
  return services.state.apply({{key, {}, AOH_STATE_ANY_VERSION, true}});
}

std::vector<Suppression> suppressions(const Services& services, std::string_view credential_id,
                                      std::string_view after, std::uint32_t limit, std::string& next) {
  std::vector<Suppression> out;
  const std::int64_t now = services.clock.wall_ns();
  const aoh::Json keys = services.state.list(prefix_of(credential_id), after, limit);
  next.clear();
  for (const aoh::Json& row : keys.items()) {
    const auto s = read(services.state.get(row["key"].str()));
    // A credential's name may go on behind the slash: the record tells whose it is.
    if (s && s->credential_id == credential_id && s->ends_unix_ns() > now) out.push_back(*s);
  }
  if (keys.size() == limit && limit > 0) next = keys.at(keys.size() - 1)["key"].str();
  return out;
}

std::string utc_text(std::int64_t unix_ns) {
  using namespace std::chrono;
  const sys_seconds t{floor<seconds>(nanoseconds(unix_ns))};
  const sys_days day = floor<days>(t);
  const year_month_day date(day);
  const hh_mm_ss time(t - day);
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text.data();
}

Error suppressed_error(const Suppression& s) {
  Error e;
  e.code = Errc::refused;
  const char* because = s.reason == Reason::bounce      ? "mail to it bounced for good"
                        : s.reason == Reason::complaint ? "its owner complained about the mail"
                                                        : "somebody suppressed it";
  e.what = printable(s.address, 320) + " is suppressed since " + utc_text(s.since_unix_ns) + " because " +
           because + (s.status.empty() ? "" : " (" + printable(s.status, 16) + ")");
  e.where = "credential " + s.credential_id;
  e.server = s.said;
  e.cure = "Leave it out; who knows that it works releases it: email_suppressions with action release";
  return e;
}

}  // namespace mailroom::host
