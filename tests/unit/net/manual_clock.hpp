// A clock that stands still until told.
#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "net/clock.hpp"

namespace mailroom::testing {

class ManualClock final : public net::Clock {
 public:
  std::int64_t now_ns() const override {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  TimerId schedule(std::int64_t at_ns, std::function<void()> fire) override {
    const std::lock_guard lock(mutex_);
    timers_[++last_] = {at_ns, std::move(fire)};
    return last_;
  }
  bool cancel(TimerId id) override {
    const std::lock_guard lock(mutex_);
    return timers_.erase(id) != 0;
  }
  std::size_t pending() const {
    const std::lock_guard lock(mutex_);
    return timers_.size();
  }
  /// Until the earliest timer; milliseconds::max() without any.
  std::chrono::milliseconds next_in() const {
    const std::lock_guard lock(mutex_);
    std::int64_t first = INT64_MAX;
    for (const auto& [id, timer] : timers_) first = std::min(first, timer.first);
    if (first == INT64_MAX) return std::chrono::milliseconds::max();
    return std::chrono::milliseconds((first - now_) / 1'000'000);
  }
  void advance(std::chrono::milliseconds d) {
    std::vector<std::function<void()>> due;
    {
      const std::lock_guard lock(mutex_);
      now_ += d.count() * 1'000'000;
      for (auto it = timers_.begin(); it != timers_.end();) {
        if (it->second.first > now_) {
          ++it;
          continue;
        }
        due.push_back(std::move(it->second.second));
        it = timers_.erase(it);
      }
    }
    for (const auto& fire : due) fire();
  }

 private:
  mutable std::mutex mutex_;
  std::int64_t now_ = 1'000;
  TimerId last_ = 0;
  std::map<TimerId, std::pair<std::int64_t, std::function<void()>>> timers_;
};

}  // namespace mailroom::testing
