// Ctrl-C and SIGTERM as descriptors, so that a thread can wait for them beside other things.
#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <thread>

namespace aoh::host {

/// Blocks SIGINT and SIGTERM for this thread and those it starts, and offers them by descriptor. Make it
/// before any thread.
class SignalFd {
 public:
  SignalFd();
  ~SignalFd();
  SignalFd(const SignalFd&) = delete;
  SignalFd& operator=(const SignalFd&) = delete;
  int fd() const { return fd_; }
  /// The signal that came; 0: none.
  int take();

 private:
  int fd_ = -1;
};

/// Runs a function at the first signal and ends the process at the second (status 130). Needs a SignalFd.
class Interruption {
 public:
  explicit Interruption(SignalFd& signals);
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;
  /// Runs at once when a signal came already. An empty one takes it back and waits for a running one.
  void on_cancel(std::function<void()> fn);

 private:
  void watch();
  SignalFd& signals_;
  int stop_ = -1;
  std::mutex m_;
  std::function<void()> fn_;
  int seen_ = 0;
  std::thread thread_;
};

}  // namespace aoh::host
