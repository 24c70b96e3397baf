// The workers that run sessions.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "sessions/agent.hpp"
#include "sessions/ports.hpp"
#include "sessions/session_store.hpp"

namespace aoh::host {

/// Runs due sessions, each turn after turn, on a pool of threads. All state is in the database: what a crash
/// interrupts goes on at its first unfinished ledger step. Temporary failures wait by retry_delay_ns, then
/// the session is failed; a failed input does not hold up the inputs behind it. Thread-safe.
class Runner {
 public:
  /// All references must outlive the runner.
  Runner(const Sql& sql, const Ports& ports, const AgentDirectory& agents)
      : sql_(sql), ports_(ports), agents_(agents) {}
  ~Runner() { stop(); }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Requeues what was running at the last end and starts the workers.
  void start(unsigned workers);
  /// Takes no new session from now on; a call that is cancelled from now on is run again at the next start.
  void begin_stop();
  /// Takes no new session and waits for those at work; cancel their calls first, or wait for the tools'
  /// deadlines.
  void stop();
  /// There may be work: looks at once.
  void poke();
  /// Runs one due session on this thread, if there is one. For tests, and what the workers do.
  bool run_one();
  /// Sessions at work on this runner.
  int running() const { return running_; }

 private:
  void work(const std::stop_token& token);
  void run_session(const Claimed& session);

  const Sql sql_;
  const Ports& ports_;
  const AgentDirectory& agents_;
  std::mutex mutex_;  // guards pokes_
  std::condition_variable_any wake_;
  std::uint64_t pokes_ = 0;
  std::atomic<int> running_{0};
  std::atomic<bool> stopping_{false};
  std::stop_source halt_;  // programs at work end; replaced only while no thread runs
  std::vector<std::jthread> threads_;
};

}  // namespace aoh::host
