// One call while a module has it: the aoh_call, its cancellation, its progress, its one answer.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "calls/engine.hpp"

namespace aoh::host {

/// Kept alive well after its end, so that a module which touches it too late is caught and not undefined
/// behaviour. Thread-safe.
class OpenCall : public std::enable_shared_from_this<OpenCall> {
 public:
  /// What is known before it starts; does not change.
  struct Facts {
    std::string id, what;  ///< what: "email_send", "the credential test of x"
    Module* module = nullptr;
    const ToolSpec* tool = nullptr;  ///< null: a credential's test, or
    bool authorize = false;          ///< a person's signing in to it
    std::string credential_id, session_id;
    std::string arguments, context;  ///< JSON texts; `arguments` of a credential test is empty
    std::int64_t deadline_ns = INT64_MAX;
    bool from_operator = false;
    std::string parent;  ///< the call whose end is this one's, too; empty: none
    /// Instead of the tool or the test.
    std::function<aoh_status(aoh_instance*, aoh_call*)> run{};
  };
  using Progress = std::function<void(double, double, std::string_view)>;
  using Done = CallEngine::Done;

  /// `ended` runs once, when neither invoke() nor finish() is running or owed any more.
  OpenCall(Facts facts, Done done, Progress progress, std::function<void(OpenCall&)> ended);
  OpenCall(const OpenCall&) = delete;
  OpenCall& operator=(const OpenCall&) = delete;

  const Facts& facts() const { return facts_; }
  /// Pins the module and runs the tool or test, in this thread. Settles what comes of it.
  void invoke();
  /// Ends a call that no module has seen.
  void withdraw(CallResult result);
  void cancel();
  bool cancelled() const { return cancelled_; }
  /// Hands the caller its answer; false when it has one.
  bool answer(CallResult result);
  /// The clock's timer for the deadline; 0: none.
  std::atomic<Clock::Id> timer{0};
  /// A thread has taken it up; set before it meets the module.
  std::atomic<bool> begun{false};

 private:
  struct Handle {  // what the module sees; head first, so that a pointer to it leads back here
    aoh_call head;
    OpenCall* self;
  };
  static OpenCall& of(const aoh_call* c);
  static int is_cancelled(const aoh_call* c);
  static void on_cancel(aoh_call* c, void (*fn)(void*), void* arg);
  static void on_progress(aoh_call* c, double done, double total, aoh_str message);
  static void on_finish(aoh_call* c, aoh_status status, aoh_str result);

  void take_cancel(void (*fn)(void*), void* arg);
  void report(double done, double total, std::string_view message);
  void finish(aoh_status status, std::string_view json);
  void run_cancel(std::unique_lock<std::mutex>& lock, void (*fn)(void*), void* arg);
  void part_ended(bool& part);
  bool dead() const { return finishing_ || withdrawn_; }

  const Facts facts_;
  Handle handle_;
  std::function<void(OpenCall&)> ended_;
  std::optional<Module::Use> pin_;  // from invoke() until the call has ended

  mutable std::mutex m_;
  std::condition_variable changed_;
  Done done_;  // empty once answered
  bool answered_ = false;
  bool finishing_ = false;                            // finish() was called
  bool withdrawn_ = false;                            // invoke() refused it: finish() must not come
  bool finish_ended_ = false, invoke_ended_ = false;  // both: the call has ended
  std::atomic<bool> cancelled_{false};
  void (*cancel_fn_)(void*) = nullptr;
  void* cancel_arg_ = nullptr;
  bool cancelling_ = false;    // a module's cancel function is running
  std::thread::id canceller_;  // in this thread

  std::recursive_mutex progress_m_;  // recursive: a cancel from within a progress report may end the call
  Progress progress_;
  bool progress_closed_ = false;
  double progress_done_ = 0;
};

}  // namespace aoh::host
