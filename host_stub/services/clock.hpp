// The host's time: the system's, or one that tests turn by hand.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace aoh::host {

/// Wall and monotonic time and timers, for the host and, through aoh.clock/1, for modules. Thread-safe.
/// Callbacks run one after another on a thread of the clock and must not block.
class Clock {
 public:
  using Id = std::uint64_t;
  Clock();
  virtual ~Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  virtual std::int64_t wall_ns() const = 0;  ///< since 1970-01-01 UTC
  virtual std::int64_t monotonic_ns() const = 0;
  /// `fn` runs once at or after `at_ns` (monotonic). 0 after stop().
  Id schedule(std::int64_t at_ns, std::function<void()> fn);
  /// True: it will not run. False: it ran or is not known; unless called from within a callback, it has
  /// returned by now.
  bool cancel(Id id);
  /// Drops all timers, waits for a running callback, joins the thread. No timer runs after it.
  void stop();

 protected:
  /// Runs what is due at `now`, in order of time. Returns when the next is due, INT64_MAX if none.
  std::int64_t run_due(std::int64_t now, std::unique_lock<std::mutex>& lock);
  std::int64_t next_due() const { return timers_.empty() ? INT64_MAX : timers_.begin()->first.first; }
  virtual void changed() {}  ///< a timer was added, or stop() was called; the mutex is held

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;
  std::thread thread_;

 private:
  std::map<std::pair<std::int64_t, Id>, std::function<void()>> timers_;
  std::map<Id, std::int64_t> when_;
  std::condition_variable ran_;
  Id next_ = 1, running_ = 0;
  std::thread::id runner_;
};

/// The system's clocks.
class SystemClock : public Clock {
 public:
  SystemClock();
  ~SystemClock() override { stop(); }
  std::int64_t wall_ns() const override;
  std::int64_t monotonic_ns() const override;

 private:
  void changed() override { wake_.notify_one(); }
  void loop();
};

/// Stands still until it is advanced. What is due already when it is scheduled runs at once, on a thread of
/// the clock: who computed its time just before an advance must not wait for the next one.
class VirtualClock : public Clock {
 public:
  /// `wall_ns`: where wall time begins. Monotonic time begins where the system's is, so that deadlines of
  /// both kinds compare.
  explicit VirtualClock(std::int64_t wall_ns = 1'800'000'000'000'000'000);
  ~VirtualClock() override { stop(); }
  std::int64_t wall_ns() const override;
  std::int64_t monotonic_ns() const override;
  /// Moves on by `ns`, running every timer at its own time on the way, in this thread, timers that those set
  /// included. Calls from several threads take turns; not to be called from a timer.
  void advance(std::int64_t ns);

 private:
  void changed() override;

  std::mutex advancing_;  // one thread runs timers at a time
  bool overdue_ = false;  // is there something for the clock's own thread?
  std::int64_t wall_, now_;
};

}  // namespace aoh::host
