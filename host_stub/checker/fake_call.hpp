// One tool call and one trigger of the fake host: what the module is handed, and what it did with it.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "checker/fake_host.hpp"

namespace aoh::host::checker {

/// A call. Keep it until the module has finished it; one that was never finished must be leaked. Thread-safe.
class FakeCall {
 public:
  struct Options {
    std::chrono::nanoseconds deadline_in = std::chrono::seconds(10);  ///< negative: it has passed already
    bool no_deadline = false;
    bool guard = false;  ///< the struct cannot be touched any more once finish() returned
    std::uint32_t flags = 0;
    Json context = {};  ///< added to the context that every call has
  };
  struct Finish {
    aoh_status status;
    std::string result;
  };
  struct Progress {
    double done, total;
    std::string message;
  };

  explicit FakeCall(FakeHost& host) : FakeCall(host, Options{}) {}
  FakeCall(FakeHost& host, Options options);
  FakeCall(const FakeCall&) = delete;
  FakeCall& operator=(const FakeCall&) = delete;

  aoh_call* c() const { return call_.get(); }
  const std::string& id() const { return id_; }
  /// The caller gives up: cancelled() is 1, on_cancel's function runs, on this thread.
  void cancel();
  /// False when it has not finished within `time`.
  bool wait(std::chrono::milliseconds time);
  /// True when finish() or at least one progress() came within `time`.
  bool wait_for_sign(std::chrono::milliseconds time);
  int finishes() const;
  std::optional<Finish> first() const;
  std::vector<Progress> progress() const;

 private:
  static int on_cancelled(const aoh_call* c);
  static void on_on_cancel(aoh_call* c, void (*fn)(void*), void* arg);
  static void on_progress(aoh_call* c, double done, double total, aoh_str message);
  static void on_finish(aoh_call* c, aoh_status status, aoh_str result);

  FakeHost& host_;
  const Options options_;
  std::string id_, context_;
  Placed<aoh_call> call_;
  mutable std::mutex m_;
  std::condition_variable changed_;
  bool cancelled_ = false, running_cancel_ = false;
  std::thread::id canceller_;
  void (*cancel_fn_)(void*) = nullptr;
  void* cancel_arg_ = nullptr;
  std::vector<Finish> finishes_;
  std::vector<Progress> progress_;
};

/// A running source. As with FakeCall: leak it when stopped() never came.
class FakeTrigger {
 public:
  struct Options {
    int busy_first = 0;      ///< this many emits are answered AOH_E_BUSY
    bool hold_done = false;  ///< done() comes only at release()
    int fail_first = 0;      ///< this many emits are answered by done(AOH_E_INTERNAL)
  };
  struct Event {
    std::string type, blueprint, dedupe_key, payload;
  };

  FakeTrigger(FakeHost& host, std::string trigger_id) : FakeTrigger(host, std::move(trigger_id), Options{}) {}
  FakeTrigger(FakeHost& host, std::string trigger_id, Options options);
  FakeTrigger(const FakeTrigger&) = delete;
  FakeTrigger& operator=(const FakeTrigger&) = delete;

  aoh_trigger* c() const { return trigger_.get(); }
  /// What the host does right before it calls trigger_stop.
  void ask_to_stop();
  bool wait_stopped(std::chrono::milliseconds time);
  bool wait_health(std::chrono::milliseconds time);
  /// True when at least `n` batches were taken (durably stored) within `time`.
  bool wait_batches(std::size_t n, std::chrono::milliseconds time);
  /// True while a batch waits for release().
  bool wait_held(std::chrono::milliseconds time);
  void release();

  int stops() const;
  std::string stop_reason() const;
  std::vector<Event> events() const;  ///< stored
  std::string cursor() const;         ///< stored last
  std::vector<std::string> health() const;
  int busy_answers() const;
  int ready_calls() const;

 private:
  static aoh_status on_emit(aoh_trigger* t, const aoh_event* events, std::size_t n, aoh_str decisions,
                            aoh_str cursor, void (*done)(void*, aoh_status), void* arg);
  static void on_on_ready(aoh_trigger* t, void (*fn)(void*), void* arg);
  static void on_health(aoh_trigger* t, aoh_str state);
  static int on_stopping(const aoh_trigger* t);
  static void on_stopped(aoh_trigger* t, aoh_status status, aoh_str why);
  void settle();

  FakeHost& host_;
  const std::string id_;
  Placed<aoh_trigger> trigger_;
  mutable std::mutex m_;
  std::condition_variable changed_;
  int busy_left_, fail_left_, busy_answers_ = 0, ready_calls_ = 0, stops_ = 0;
  bool hold_done_, stopping_ = false, outstanding_ = false, held_ = false;
  std::vector<Event> events_, batch_;
  std::string cursor_, batch_cursor_, why_;
  std::size_t batches_ = 0;
  std::vector<std::string> health_;
  void (*done_)(void*, aoh_status) = nullptr;
  void* done_arg_ = nullptr;
};

}  // namespace aoh::host::checker
