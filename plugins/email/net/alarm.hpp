// A sleep that can be cut short, on a Clock.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>

#include "net/asio.hpp"
#include "net/clock.hpp"

namespace mailroom::net {

/// One waiter at a time. Belongs to a strand; poke() and the waits are called on it (post to it from
/// elsewhere).
class Alarm {
 public:
  Alarm(Executor executor, Clock& clock);
  ~Alarm();  ///< nobody may be waiting
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  /// True when the time was reached, false when somebody poked first. INT64_MAX: no time.
  Task<bool> wait_until(std::int64_t at_ns);
  Task<bool> wait_for(std::chrono::milliseconds d);
  /// Wakes the waiter; without one, the next wait returns at once.
  void poke();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace mailroom::net
