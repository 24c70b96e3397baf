// What rules say is to be done with a message itself: calls of tools of the source's own module.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "sessions/ports.hpp"
#include "sessions/sql.hpp"

namespace aoh::host {

/// An action is an event without a blueprint, stored with the batch that decided it (batch_store.hpp):
/// {"rule", "of", "holds", "call": {"tool", "arguments"}, "learns": {path in the events: path in the
/// answer}}.
///
/// Each is carried out at least once: the tool's effect must bear repetition, as it has to after a crash
/// between the call and its record. Actions of one message go in their order; a temporary failure is tried
/// again by retry_delay_ns, then parked, any other is parked at once. With the last action of a message over,
/// or parked, the message's events that were held are handed over, with what the answer told put into them.
/// Thread-safe.
class RuleActions {
 public:
  /// May rules for this source (its name) call that tool?
  using Allowed = std::function<bool(std::string_view source, std::string_view tool)>;
  /// `ports` must outlive it. `released`: events are due that were held; any thread.
  RuleActions(const Sql& sql, const Ports& ports, Allowed allowed, std::function<void()> released)
      : sql_(sql), ports_(ports), allowed_(std::move(allowed)), released_(std::move(released)) {}
  ~RuleActions() { stop(); }
  RuleActions(const RuleActions&) = delete;
  RuleActions& operator=(const RuleActions&) = delete;

  /// Workers look for what is due, if anything is; they are started when there is something first. Cheap.
  void poke();
  void begin_stop();  ///< no new one; then the calls are to be cancelled: those are made at the next start
  void stop();        ///< waits for those at work
  /// Carries out one that is due, on this thread. One source's go one by one, so that a server that hangs
  /// costs one worker. False: none is due.
  bool act_one();

 private:
  struct Action {
    std::int64_t id = 0, attempts = 0;
    std::string source_key, key, of, payload;
  };
  std::optional<Action> take();
  void carry_out(const Action& action);
  void end(const Action& action, const Json& payload, const Json* answer);
  void park(const Action& action, Json payload, const std::string& why, bool refused);
  void later(const Action& action, const Json& payload, const std::string& why, std::int64_t at_least_ns);
  void release(const Action& action, const Json& payload, const Json* answer);
  bool due();
  void work(const std::stop_token& token);

  const Sql sql_;
  const Ports& ports_;
  Allowed allowed_;
  std::function<void()> released_;
  std::mutex mutex_;  // guards what follows; taken before the store
  std::condition_variable_any wake_;
  std::uint64_t pokes_ = 0;
  std::set<std::string, std::less<>> busy_;  // sources at work
  std::vector<std::jthread> threads_;
  std::atomic<bool> stopping_{false};
};

}  // namespace aoh::host
