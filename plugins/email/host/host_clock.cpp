#include "host/host_clock.hpp"

#include <vector>

namespace mailroom::host {

std::int64_t HostClock::now_ns() const { return clock_ ? clock_.monotonic_ns() : 0; }

net::Clock::TimerId HostClock::schedule(std::int64_t at_ns, std::function<void()> fire) {
  Timer* timer = nullptr;
  TimerId id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = next_++;
    if (stopped_ || !clock_ || at_ns == INT64_MAX) return id;
    auto owned = std::make_unique<Timer>(Timer{this, id, 0, std::move(fire)});
    timer = owned.get();
    timers_.emplace(id, std::move(owned));
  }
  const std::uint64_t host_id = clock_.schedule(at_ns, &HostClock::fired, timer);
  const std::lock_guard lock(mutex_);
  // It may have fired and gone by now: look it up again.
  if (const auto it = timers_.find(id); it != timers_.end()) {
    if (host_id == 0)
      timers_.erase(it);
    else
      it->second->host_id = host_id;
  }
  return id;
}

void HostClock::fired(void* arg) noexcept {
  Timer* timer = static_cast<Timer*>(arg);
  HostClock* self = timer->owner;
  try {
    timer->fire();
  } catch (...) {  // the contract says it does not throw; nothing may cross into the host
  }
  std::unique_ptr<Timer> gone;
  const std::lock_guard lock(self->mutex_);
  if (const auto it = self->timers_.find(timer->id); it != self->timers_.end()) {
    gone = std::move(it->second);
    self->timers_.erase(it);
  }
}

bool HostClock::cancel(TimerId id) {
  std::uint64_t host_id = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto it = timers_.find(id);
    if (it == timers_.end()) return false;
    host_id = it->second->host_id;
  }
  // Not under the lock: the host waits for a running fired(), which takes it.
  if (host_id == 0 || !clock_.cancel(host_id)) return false;
  const std::lock_guard lock(mutex_);
  return timers_.erase(id) > 0;
}

void HostClock::stop() {
  std::vector<TimerId> ids;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    for (const auto& [id, timer] : timers_) ids.push_back(id);
  }
  for (const TimerId id : ids) cancel(id);
}

}  // namespace mailroom::host
