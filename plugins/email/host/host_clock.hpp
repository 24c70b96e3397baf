// net::Clock over aoh.clock/1, so that the host's virtual clock drives every time-out of the plugin.
#pragma once
#include <memory>
#include <mutex>
#include <unordered_map>

#include "aoh/sdk/services.hpp"
#include "net/clock.hpp"

namespace mailroom::host {

/// Thread-safe. Without the service time stands still and no timer fires; the manifest requires it, so that
/// happens under test hosts only.
class HostClock final : public net::Clock {
 public:
  explicit HostClock(const aoh_host* host) : clock_(host) {}
  ~HostClock() override { stop(); }

  std::int64_t now_ns() const override;
  TimerId schedule(std::int64_t at_ns, std::function<void()> fire) override;
  bool cancel(TimerId id) override;
  /// Forgets every timer and waits for those that are firing; later ones are not scheduled.
  void stop();

 private:
  struct Timer {
    HostClock* owner;
    TimerId id;
    std::uint64_t host_id = 0;  // what aoh.clock/1 calls it; 0 until schedule() knows
    std::function<void()> fire;
  };
  static void fired(void* arg) noexcept;

  aoh::Clock clock_;
  std::mutex mutex_;
  bool stopped_ = false;
  TimerId next_ = 1;
  std::unordered_map<TimerId, std::unique_ptr<Timer>> timers_;
};

}  // namespace mailroom::host
