// The threads and clock that network work runs on, and the bridge from a blocking tool call to a coroutine.
#pragma once
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "aoh/sdk/call.hpp"
#include "host/config.hpp"
#include "host/expiry.hpp"
#include "host/host_clock.hpp"
#include "host/services.hpp"
#include "host/tokens.hpp"
#include "net/asio.hpp"
#include "net/connect.hpp"

namespace mailroom::host {

/// One tool call's network work, which may outlive the call: when the caller is gone and the work does not
/// end at once, it ends on its own. So it holds copies, never the aoh::Call. cancel() may come from any
/// thread.
class Job {
 public:
  explicit Job(std::string call_id) : call_id_(std::move(call_id)) {}
  const std::string& call_id() const { return call_id_; }

  void cancel(Errc why);
  /// Throws Failure(cancelled or timeout) once cancelled.
  void check() const;
  bool cancelled() const { return why() != Errc::ok; }
  bool timed_out() const { return why() == Errc::timeout; }

  /// While it lives, cancel() runs `abort` (short; from any thread). Runs it at once when cancelled already.
  class Abortable {
   public:
    Abortable(Job& job, std::function<void()> abort);
    ~Abortable();
    Abortable(const Abortable&) = delete;
    Abortable& operator=(const Abortable&) = delete;

   private:
    Job& job_;
  };

 private:
  friend class Runtime;
  Errc why() const;

  const std::string call_id_;
  mutable std::mutex mutex_;
  Errc why_ = Errc::ok;          // has somebody given up, and why?
  std::function<void()> abort_;  // what ends the connection in use
  std::condition_variable changed_;
  bool done_ = false;
};

/// Made with the instance; starts its threads at the first need. Destroyed with no call open: joins them,
/// drops what still runs.
class Runtime {
 public:
  Runtime(const aoh_host* host, Config config);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  const Config& config() const { return config_; }
  const Services& services() const { return services_; }
  HostClock& clock() { return clock_; }
  net::Context net() { return {clock_, tls_}; }
  /// Where access tokens come from; null: nowhere. Set once, before any call, by whoever wires the plugin.
  TokenSource* tokens() const { return token_source_; }
  void use_tokens(TokenSource* source) { token_source_ = source; }
  /// Empty unless the configuration asks for a trace.
  net::TraceSink trace(std::string label) const;
  /// A new strand; starts the threads if need be.
  net::Executor strand();

  /// Runs `work` on a strand of its own and waits for it: at the call's deadline or cancellation the job is
  /// cancelled, and if it has not ended two seconds later, left to itself. Rethrows what the work throws;
  /// Failure(cancelled) or Failure(timeout) when left.
  template <typename T>
  T run(aoh::Call& call, const std::shared_ptr<Job>& job, std::function<net::Task<T>(net::Executor)> work);

  /// Waits so long, on the host's clock. Throws Failure(cancelled, timeout) when the call ends first.
  void pause(aoh::Call& call, std::chrono::milliseconds time);

  /// Cancels all jobs, now and later.
  void quiesce();
  /// Quiesces, joins the threads and drops the work that was left to itself. For an owner whose later members
  /// that work still uses; no job may be started after it.
  void stop();

 private:
  void start();
  /// Blocks until the job is done or given up; false: given up.
  bool wait(aoh::Call& call, const std::shared_ptr<Job>& job);
  static void finished(Job& job);

  Config config_;
  Services services_;
  HostClock clock_;
  net::TlsContexts tls_;
  Expiry expiry_;
  TokenSource* token_source_ = nullptr;
  std::mutex mutex_;
  bool quiescing_ = false;
  std::set<std::shared_ptr<Job>> jobs_;
  // Declared last: coroutine frames that go with the context still use the clock.
  std::unique_ptr<boost::asio::io_context> io_;
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> guard_;
  std::vector<std::thread> threads_;
};

/// Spawned as a member of the caller's frame would dangle: the work is moved into a coroutine of its own.
template <typename T>
net::Task<T> own_frame(std::function<net::Task<T>(net::Executor)> work, net::Executor executor) {
  co_return co_await work(std::move(executor));
}

template <typename T>
T Runtime::run(aoh::Call& call, const std::shared_ptr<Job>& job,
               std::function<net::Task<T>(net::Executor)> work) {
  struct Outcome {
    std::exception_ptr error;
    std::optional<T> value;
  };
  auto outcome = std::make_shared<Outcome>();
  const net::Executor executor = strand();
  boost::asio::co_spawn(executor, own_frame<T>(std::move(work), executor),
                        [outcome, job](const std::exception_ptr& error, T value) {
                          outcome->error = error;
                          if (!error) outcome->value = std::move(value);
                          finished(*job);
                        });
  if (!wait(call, job)) {
    job->check();  // says why; it was cancelled
    throw Failure(Errc::cancelled, "the call was given up");
  }
  if (outcome->error) std::rethrow_exception(outcome->error);
  return std::move(*outcome->value);
}

}  // namespace mailroom::host
