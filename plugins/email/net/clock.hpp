// Time as the network code sees it, so that a virtual clock can drive every time-out.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>

namespace mailroom::net {

/// A monotonic clock with alarms. All functions may be called from any thread. The plugin implements it over
/// the host's aoh.clock/1; net/system_clock.hpp is one over the machine's own clock.
class Clock {
 public:
  using TimerId = std::uint64_t;  ///< never 0

  virtual ~Clock() = default;
  /// Nanoseconds since an arbitrary start; never runs backwards.
  virtual std::int64_t now_ns() const = 0;
  /// Calls `fire` once, at `at_ns` or soon after (at once when it has passed), on any thread and possibly
  /// before schedule() has returned. `fire` must be short and must not throw: it posts to its owner's
  /// executor.
  virtual TimerId schedule(std::int64_t at_ns, std::function<void()> fire) = 0;
  /// Forgets the timer. False when it has fired, is firing on another thread, or never was.
  virtual bool cancel(TimerId id) = 0;
};

/// `from` + `d`, saturating: a huge duration means 'never'.
inline std::int64_t after(std::int64_t from_ns, std::chrono::milliseconds d) {
  constexpr std::int64_t kNever = INT64_MAX;
  const std::int64_t ms = d.count();
  if (ms >= (kNever - from_ns) / 1'000'000) return kNever;
  return from_ns + ms * 1'000'000;
}

}  // namespace mailroom::net
