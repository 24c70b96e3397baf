#include "ticker.hpp"

#include <charconv>

namespace weather {

Ticker::Ticker(aoh::Clock clock, const aoh::Json& source, std::string_view cursor,
               std::shared_ptr<aoh::Trigger> trigger)
    : clock_(clock), trigger_(std::move(trigger)) {
  const auto [end, ec] = std::from_chars(cursor.data(), cursor.data() + cursor.size(), number_);
  if (!cursor.empty() && (ec != std::errc{} || end != cursor.data() + cursor.size() || number_ < 0))
    throw aoh::StatusError(AOH_E_INVALID, "the cursor is not one of ours");
  configure(source);
}

void Ticker::configure(const aoh::Json& source) {
  const std::int64_t every_ms = source["key"]["every_ms"].integer(60000);
  if (every_ms < 10 || every_ms > 86'400'000)
    throw aoh::StatusError(AOH_E_INVALID, "every_ms: expected 10 to 86400000");
  const std::lock_guard lock(m_);
  every_ns_ = every_ms * 1'000'000;
  blueprints_.clear();
  for (const aoh::Json& b : source["blueprints"].items()) blueprints_.push_back(b["id"].str());
}

void Ticker::start() {
  trigger_->health(aoh::Json{{"state", "idle"}});
  std::unique_lock lock(m_);
  schedule(lock);
}

// The timer is set while the lock is held, so that a tick that comes at once waits until timer_ knows its id.
void Ticker::schedule(std::unique_lock<std::mutex>&) {
  if (stopping_) return;
  timer_ = clock_.schedule(
      clock_.monotonic_ns() + every_ns_, [](void* self) { static_cast<Ticker*>(self)->tick(); }, this);
}

void Ticker::tick() {
  const auto self = shared_from_this();  // stop() may let go of us while the host has our batch
  std::unique_lock lock(m_);
  timer_ = 0;
  if (stopping_) return;
  emitting_ = true;
  const std::int64_t number = number_ + 1;
  std::vector<aoh::Event> events;
  aoh::Json decisions = aoh::Json::array();
  for (const std::string& blueprint : blueprints_) {
    const std::string key = "tick-" + std::to_string(number);
    events.push_back(
        {clock_.wall_ns(), "tick", blueprint, key, aoh::Json{{"tick", aoh::Json{{"number", number}}}}});
    decisions.push(
        {{"key", key}, {"blueprint", blueprint}, {"decision", "matched"}, {"why", "every tick matches"}});
  }
  lock.unlock();
  aoh_status refused = AOH_OK;
  try {
    if (trigger_->emit(events, decisions, std::to_string(number),
                       [self, number](aoh_status status) { self->settled(status, number); }))
      return;
    refused = AOH_E_BUSY;
  } catch (const aoh::StatusError& e) {
    refused = e.status;
  }
  settled(refused, number);  // nothing was taken: the same tick again, next time
}

void Ticker::settled(aoh_status status, std::int64_t number) {
  std::unique_lock lock(m_);
  emitting_ = false;
  if (status == AOH_OK) number_ = number;
  if (!stopping_) {
    schedule(lock);
    return;
  }
  lock.unlock();
  trigger_->stopped(AOH_OK, "");
}

void Ticker::stop() {
  std::unique_lock lock(m_);
  if (std::exchange(stopping_, true)) return;
  const std::uint64_t timer = std::exchange(timer_, 0);
  lock.unlock();
  if (timer) clock_.cancel(timer);  // not under the lock: it waits for a tick that runs
  lock.lock();
  const bool with_host = emitting_;
  lock.unlock();
  if (!with_host) trigger_->stopped(AOH_OK, "");  // else settled() does
}

}  // namespace weather
