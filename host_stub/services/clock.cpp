#include "services/clock.hpp"

#include <algorithm>
#include <chrono>

namespace aoh::host {
namespace {
template <class C>
std::int64_t now_of() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(C::now().time_since_epoch()).count();
}
}  // namespace

Clock::Clock() = default;

Clock::Id Clock::schedule(std::int64_t at_ns, std::function<void()> fn) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return 0;
  const Id id = next_++;
  timers_.emplace(std::pair{at_ns, id}, std::move(fn));
  when_.emplace(id, at_ns);
  changed();
  return id;
}

bool Clock::cancel(Id id) {
  std::function<void()> dropped;  // destroyed without the mutex: it may own what cancels timers of its own
  std::unique_lock lock(mutex_);
  if (const auto it = when_.find(id); it != when_.end()) {
    const auto timer = timers_.find({it->second, id});
    dropped = std::move(timer->second);
    timers_.erase(timer);
    when_.erase(it);
    lock.unlock();
    return true;
  }
  if (runner_ != std::this_thread::get_id()) ran_.wait(lock, [&] { return running_ != id; });
  return false;
}

void Clock::stop() {
  decltype(timers_) dropped;
  {
    std::unique_lock lock(mutex_);
    stopped_ = true;
    dropped.swap(timers_);
    when_.clear();
    changed();
    wake_.notify_all();
    if (runner_ != std::this_thread::get_id()) ran_.wait(lock, [&] { return running_ == 0; });
  }
  if (thread_.joinable() && thread_.get_id() != std::this_thread::get_id()) thread_.join();
}

std::int64_t Clock::run_due(std::int64_t now, std::unique_lock<std::mutex>& lock) {
  while (!timers_.empty() && timers_.begin()->first.first <= now && !stopped_) {
    const auto first = timers_.begin();
    const Id id = first->first.second;
    std::function<void()> fn = std::move(first->second);
    timers_.erase(first);
    when_.erase(id);
    running_ = id;
    runner_ = std::this_thread::get_id();
    lock.unlock();
    fn();
    fn = nullptr;
    lock.lock();
    running_ = 0;
    runner_ = {};
    ran_.notify_all();
  }
  return next_due();
}

SystemClock::SystemClock() {
  thread_ = std::thread([this] { loop(); });
}

std::int64_t SystemClock::wall_ns() const { return now_of<std::chrono::system_clock>(); }
std::int64_t SystemClock::monotonic_ns() const { return now_of<std::chrono::steady_clock>(); }

void SystemClock::loop() {
  std::unique_lock lock(mutex_);
  while (!stopped_) {
    const std::int64_t next = run_due(monotonic_ns(), lock);
    if (stopped_) break;
    if (next == INT64_MAX)
      wake_.wait(lock);
    else
      wake_.wait_until(lock, std::chrono::steady_clock::time_point(std::chrono::nanoseconds(next)));
  }
}

VirtualClock::VirtualClock(std::int64_t wall) : wall_(wall), now_(now_of<std::chrono::steady_clock>()) {
  thread_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [&] { return stopped_ || overdue_; });
      if (stopped_) return;
      overdue_ = false;
      lock.unlock();
      advance(0);
      lock.lock();
    }
  });
}

void VirtualClock::changed() {
  overdue_ = overdue_ || next_due() <= now_;
  if (overdue_ || stopped_) wake_.notify_one();
}

std::int64_t VirtualClock::wall_ns() const {
  const std::lock_guard lock(mutex_);
  return wall_;
}
std::int64_t VirtualClock::monotonic_ns() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

void VirtualClock::advance(std::int64_t ns) {
  const std::lock_guard turn(advancing_);
  std::unique_lock lock(mutex_);
  const std::int64_t target = now_ + ns;
  while (!stopped_) {
    const std::int64_t next = run_due(now_, lock);
    const std::int64_t to = std::max(now_, std::min(next, target));
    wall_ += to - now_;
    now_ = to;
    if (next > target) break;
  }
}

}  // namespace aoh::host
