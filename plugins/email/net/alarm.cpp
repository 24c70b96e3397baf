#include "net/alarm.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "base/error.hpp"

namespace mailroom::net {

namespace asio = boost::asio;

struct Alarm::State {
  State(const Executor& e, Clock& c)
      : executor(e), clock(c), gate(e, asio::steady_timer::time_point::max()) {}

  Executor executor;
  Clock& clock;
  asio::steady_timer gate;       // never expires by itself: cancelling it wakes the waiter
  std::uint64_t generation = 0;  // which wait is this, so that a late timer does not end the next one?
  bool poked = false;
  bool reached = false;
};

namespace {

/// Outside the coroutine, in whose frame it would take room.
[[noreturn]] void throw_cancelled() { throw Failure(Errc::cancelled, "the wait was cancelled"); }

/// Takes the clock's timer back also when the coroutine is destroyed while it waits.
struct TimerGuard {
  Clock& clock;
  Clock::TimerId id = 0;
  ~TimerGuard() {
    if (id != 0) clock.cancel(id);
  }
};

}  // namespace

Alarm::Alarm(Executor executor, Clock& clock) : state_(std::make_shared<State>(executor, clock)) {}
Alarm::~Alarm() = default;

Task<bool> Alarm::wait_until(std::int64_t at_ns) {
  const std::shared_ptr<State> s = state_;
  const std::uint64_t mine = ++s->generation;
  s->reached = false;
  if (s->poked) {
    s->poked = false;
    co_return false;
  }
  if (at_ns != INT64_MAX && at_ns <= s->clock.now_ns()) co_return true;

  TimerGuard timer{s->clock};
  if (at_ns != INT64_MAX) {
    timer.id = s->clock.schedule(at_ns, [weak = std::weak_ptr<State>(s), executor = s->executor, mine] {
      asio::post(executor, [weak, mine] {
        const std::shared_ptr<State> state = weak.lock();
        if (!state || state->generation != mine) return;
        state->reached = true;
        state->gate.cancel();
      });
    });
  }
  while (!s->poked && !s->reached) {
    co_await s->gate.async_wait(asio::as_tuple(asio::use_awaitable));
    if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none)
      throw_cancelled();
  }
  if (!s->poked) co_return true;
  s->poked = false;
  co_return false;
}

Task<bool> Alarm::wait_for(std::chrono::milliseconds d) {
  return wait_until(after(state_->clock.now_ns(), d));
}

void Alarm::poke() {
  state_->poked = true;
  state_->gate.cancel();
}

}  // namespace mailroom::net
