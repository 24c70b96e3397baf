#include "policy/cadence.hpp"

#include <algorithm>

namespace mailroom::policy {
namespace {

constexpr std::int64_t kDayMs = 86'400'000, kFirstPauseMs = 60'000, kLongestPauseMs = 3'600'000,
                       kSweepMs = 10'000;
constexpr std::size_t kMostLanes = 10'000;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

std::int64_t step_us(const Pace& p) {
  return std::max<std::int64_t>(
      1, std::max<std::int64_t>(1, p.seconds) * 1'000'000 / std::max<std::int64_t>(1, p.messages));
}

}  // namespace

Bucket Bucket::from(std::int64_t full_at_us) {
  Bucket b;
  b.full_at_us_ = full_at_us;
  return b;
}

// No more than a whole burst is ever missing: a time beyond that is by a clock that was set back since, and
// says nothing.
std::int64_t Bucket::full_at_us(const Pace& pace, std::int64_t now_ms) const {
  const std::int64_t furthest = now_ms * 1000 + std::max<std::int64_t>(1, pace.burst) * step_us(pace);
  return full_at_us_ > furthest ? 0 : full_at_us_;
}

std::int64_t Bucket::earliest(const Pace& pace, std::int64_t now_ms) const {
  // Full again at F; one may leave as long as not more than burst - 1 steps are missing.
  const std::int64_t at_us =
      full_at_us(pace, now_ms) - (std::max<std::int64_t>(1, pace.burst) - 1) * step_us(pace);
  return std::max(now_ms, (at_us + 999) / 1000);
}

void Bucket::take(const Pace& pace, std::int64_t now_ms) {
  full_at_us_ = std::max(full_at_us(pace, now_ms), now_ms * 1000) + step_us(pace);
}

const Pace& Cadence::pace_of(const std::string& domain) const {
  const auto at = limits_.domains.find(domain);
  return at == limits_.domains.end() ? limits_.domain : at->second;
}

// Ten thousand domains under way at once share one lane with all further ones: slower, never unbounded.
std::string Cadence::lane_of(std::string_view domain) const {
  std::string name = lower(domain);
  return lanes_.size() < kMostLanes || lanes_.contains(name) ? name : "*";
}

std::optional<std::int64_t> Cadence::warm_up_cap(std::int64_t now_ms, std::int64_t* day) const {
  const std::int64_t since = now_ms - limits_.warm_up_from_s * 1000;
  *day = since < 0 ? 0 : since / kDayMs;
  if (*day >= static_cast<std::int64_t>(limits_.warm_up.size())) return std::nullopt;
  return limits_.warm_up[static_cast<std::size_t>(*day)];
}

Cadence::Wait Cadence::earliest(const Load& load, std::int64_t now_ms) const {
  Wait wait{now_ms, {}};
  const auto later = [&](std::int64_t at, std::string why) {
    if (at > wait.until_ms) wait = {at, std::move(why)};
  };
  const auto blocked = [&](const Lane& lane, std::string why) {
    if (lane.blocked_until_ms <= now_ms + kLongestPauseMs) later(lane.blocked_until_ms, std::move(why));
  };
  later(own_.bucket.earliest(limits_.credential, now_ms), "credential");
  blocked(own_, "asked to slow down");
  for (const std::string& domain : load.domains) {
    const std::string name = lane_of(domain);
    if (const auto lane = lanes_.find(name); lane != lanes_.end()) {
      later(lane->second.bucket.earliest(pace_of(name), now_ms), "domain " + name);
      blocked(lane->second, "asked to slow down by " + name);
    }
  }
  std::int64_t day = 0;
  if (const auto cap = warm_up_cap(now_ms, &day); cap && (day == day_ ? sent_on_day_ : 0) >= *cap)
    later(limits_.warm_up_from_s * 1000 + (day + 1) * kDayMs, "warm-up");
  const std::int64_t date = now_ms / kDayMs;
  if (limits_.per_day > 0 && date == date_ && sent_on_date_ >= limits_.per_day)
    later((date + 1) * kDayMs, "a day's limit");
  if (limits_.recipients_per_day > 0 && date == date_ && recipients_on_date_ > 0 &&
      recipients_on_date_ + load.recipients > limits_.recipients_per_day)
    later((date + 1) * kDayMs, "a day's limit of recipients");
  return wait;
}

void Cadence::sent(const Load& load, std::int64_t now_ms) {
  own_.bucket.take(limits_.credential, now_ms);
  if (lanes_.size() >= kMostLanes && now_ms >= next_sweep_ms_) {
    next_sweep_ms_ = now_ms + kSweepMs;
    std::erase_if(lanes_, [&](const auto& l) {
      return l.second.bucket.idle(now_ms) && l.second.blocked_until_ms <= now_ms;
    });
  }
  for (const std::string& domain : load.domains) {
    const std::string name = lane_of(domain);
    lanes_[name].bucket.take(pace_of(name), now_ms);
  }
  std::int64_t day = 0;
  if (warm_up_cap(now_ms, &day)) {
    if (day != day_) sent_on_day_ = 0;
    day_ = day;
    ++sent_on_day_;
  }
  const std::int64_t date = now_ms / kDayMs;
  if (date != date_) sent_on_date_ = recipients_on_date_ = 0;
  date_ = date;
  ++sent_on_date_;
  recipients_on_date_ += std::max<std::int64_t>(1, load.recipients);
}

void Cadence::slow_down(std::string_view domain, std::int64_t now_ms) {
  Lane& lane = domain.empty() ? own_ : lanes_[lane_of(domain)];
  const std::int64_t pause = std::min(kLongestPauseMs, kFirstPauseMs << std::min(lane.refusals, 6));
  lane.refusals = std::min(lane.refusals + 1, 30);
  lane.blocked_until_ms = std::max(lane.blocked_until_ms, now_ms + pause);
}

void Cadence::went_well(std::string_view domain) {
  own_.refusals = 0;
  if (const auto lane = lanes_.find(lane_of(domain)); lane != lanes_.end()) lane->second.refusals = 0;
}

aoh::Json Cadence::state(std::int64_t now_ms) const {
  const auto json_of = [](const Lane& l) {
    return aoh::Json{{"full_at_us", l.bucket.full_at_us()},
                     {"blocked_until_ms", l.blocked_until_ms},
                     {"refusals", l.refusals}};
  };
  aoh::Json lanes = aoh::Json::object();
  for (const auto& [name, lane] : lanes_)
    if (!lane.bucket.idle(now_ms) || lane.blocked_until_ms > now_ms || lane.refusals > 0)
      lanes.set(name, json_of(lane));
  return aoh::Json{{"own", json_of(own_)},
                   {"domains", std::move(lanes)},
                   {"day", day_},
                   {"sent_on_day", sent_on_day_},
                   {"date", date_},
                   {"sent_on_date", sent_on_date_},
                   {"recipients_on_date", recipients_on_date_}};
}

void Cadence::restore(const aoh::Json& state) {
  const auto lane_from = [](const aoh::Json& j) {
    Lane l;
    l.bucket = Bucket::from(j["full_at_us"].integer());
    l.blocked_until_ms = j["blocked_until_ms"].integer();
    l.refusals = static_cast<int>(std::clamp<std::int64_t>(j["refusals"].integer(), 0, 30));
    return l;
  };
  own_ = lane_from(state["own"]);
  lanes_.clear();
  for (const auto& [name, lane] : state["domains"].members())
    if (lanes_.size() < kMostLanes) lanes_[lower(name)] = lane_from(lane);
  day_ = state.has("day") ? state["day"].integer() : -1;
  sent_on_day_ = std::max<std::int64_t>(0, state["sent_on_day"].integer());
  date_ = state.has("date") ? state["date"].integer() : -1;
  sent_on_date_ = std::max<std::int64_t>(0, state["sent_on_date"].integer());
  recipients_on_date_ = std::max<std::int64_t>(0, state["recipients_on_date"].integer());
}

}  // namespace mailroom::policy
