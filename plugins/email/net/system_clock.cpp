#include "net/system_clock.hpp"

#include <boost/asio/steady_timer.hpp>

namespace mailroom::net {

namespace asio = boost::asio;

struct SystemClock::State {
  explicit State(Executor e) : executor(std::move(e)) {}
  Executor executor;
  std::mutex mutex;
  std::uint64_t next_id = 1;
  std::map<TimerId, std::unique_ptr<asio::steady_timer>> timers;
};

SystemClock::SystemClock(Executor executor) : state_(std::make_shared<State>(std::move(executor))) {}

SystemClock::~SystemClock() {
  const std::lock_guard lock(state_->mutex);
  state_->timers.clear();
}

std::int64_t SystemClock::now_ns() const {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Clock::TimerId SystemClock::schedule(std::int64_t at_ns, std::function<void()> fire) {
  const asio::steady_timer::time_point at{
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(std::chrono::nanoseconds(at_ns))};
  const std::lock_guard lock(state_->mutex);
  const TimerId id = state_->next_id++;
  auto timer = std::make_unique<asio::steady_timer>(state_->executor, at);
  timer->async_wait(
      [weak = std::weak_ptr<State>(state_), id, fire = std::move(fire)](boost::system::error_code) {
        const std::shared_ptr<State> state = weak.lock();
        if (!state) return;
        {
          const std::lock_guard guard(state->mutex);
          if (state->timers.erase(id) == 0) return;  // cancelled after it had expired
        }
        fire();
      });
  state_->timers.emplace(id, std::move(timer));
  return id;
}

bool SystemClock::cancel(TimerId id) {
  const std::lock_guard lock(state_->mutex);
  return state_->timers.erase(id) != 0;
}

}  // namespace mailroom::net
