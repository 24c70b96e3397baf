// Broadcasts at work: one message a recipient, at the account's pace, on from where it stopped.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tools/broadcast_job.hpp"

namespace mailroom::tools {

/// Feeds the outbox, a few messages ahead of what has left, from a thread of its own (it reads and writes the
/// disk all the time). Nothing is lost or doubled over a crash: a message's outbox id comes from the
/// broadcast's id and its number. Thread-safe.
class Broadcasts {
 public:
  explicit Broadcasts(const Toolbox& box) : box_(box) {}
  ~Broadcasts() { stop(); }
  Broadcasts(const Broadcasts&) = delete;
  Broadcasts& operator=(const Broadcasts&) = delete;

  static constexpr std::size_t kAhead = 6;  ///< messages prepared and not over yet, of one broadcast

  /// The host stays up: takes up what was running.
  void start();
  /// Returns when the thread has ended; running broadcasts go on at the next start.
  void stop();

  std::optional<BroadcastJob> find(const std::string& id) const;
  /// Writes the first record. Throws Failure.
  void add(BroadcastJob& job);
  /// Running, paused or cancelled from now on; messages that wait in the outbox are taken back by the last
  /// two. Throws Failure(state) when it is over.
  BroadcastJob change(const std::string& id, BroadcastJob::State wanted);

 private:
  struct Run {
    std::vector<mime::DraftAttachment> attachments;
    std::deque<std::uint64_t> open;  // numbers of the messages in the outbox that are not over
    bool loaded = false;
    std::chrono::steady_clock::time_point not_before;  // it failed: what fails each time fills no log
  };
  void loop();
  /// True when something was done and more can be done at once.
  bool step(const std::string& id, Run& run);
  void prepare(BroadcastJob& job, Run& run);
  void close_finished(const BroadcastJob& job, Run& run);
  void take_back(const BroadcastJob& job);
  void save(BroadcastJob& job);
  BroadcastLine read_line(const BroadcastJob& job, std::size_t& length) const;

  void poke();
  bool stopping();

  const Toolbox& box_;
  std::mutex work_;   // held while a broadcast is changed or goes on by a few messages
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool stopping_ = false, poked_ = false;
  std::thread thread_;
};

}  // namespace mailroom::tools
