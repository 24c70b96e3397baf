// The machine's own monotonic clock behind net::Clock, on an Asio context of the caller's.
#pragma once
#include <map>
#include <memory>
#include <mutex>

#include "net/asio.hpp"
#include "net/clock.hpp"

namespace mailroom::net {

/// Timers fire on the threads that run `executor`'s context. Destroying it forgets what has not fired.
/// Thread-safe.
class SystemClock final : public Clock {
 public:
  explicit SystemClock(Executor executor);
  ~SystemClock() override;
  std::int64_t now_ns() const override;
  TimerId schedule(std::int64_t at_ns, std::function<void()> fire) override;
  bool cancel(TimerId id) override;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace mailroom::net
