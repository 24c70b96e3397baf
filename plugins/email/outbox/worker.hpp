// What goes on in the outbox without a call.
#pragma once
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "net/alarm.hpp"
#include "outbox/transmit.hpp"

namespace mailroom::outbox {

/// Works on a strand of its own; each attempt on another. For each credential a few records at a time, so
/// that one server that hangs holds up nobody else's mail. Thread-safe.
class Worker : public std::enable_shared_from_this<Worker> {
 public:
  struct Due {
    std::string id, credential;
    std::int64_t at_unix_ns = 0;
  };
  static constexpr int kPerCredential = 3;  ///< records under way for one credential
  static constexpr int kInAll = 32;         ///< and in all
  static constexpr std::size_t kMostDue =
      100'000;  ///< known at once; the rest is looked up when these are done

  static std::shared_ptr<Worker> start(Shared& shared);
  Worker(Shared& shared, net::Executor executor);
  void wake(Due due);
  /// See Outbox::stop().
  void stop();

 private:
  struct Lane {
    std::multimap<std::int64_t, std::string> due;  // by time
    int active = 0;
  };
  net::Task<void> loop();
  net::Task<void> work(Due due, net::Executor executor);
  net::Task<void> look(Due& due, net::Executor executor);
  void load();
  void add(Due due);
  void spawn(Due due);
  std::int64_t begin_due();
  bool sweep();
  void ended(const Due& due);

  Shared& shared_;
  net::Executor strand_;
  net::Alarm alarm_;
  std::map<std::string, Lane> lanes_;  // by credential; on the strand
  std::set<std::string> known_;        // ids in lanes_ or under way; on the strand
  std::int64_t sweep_at_ = 0;          // Unix nanoseconds of the next look for what has expired
  std::string swept_;                  // where it has come to
  bool more_ = false;                  // not all that is due fitted into lanes_
  int active_ = 0;                     // on the strand

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false, ended_ = false;
  int running_ = 0;  // coroutines that are not over: the loop and the attempts
  std::set<std::shared_ptr<host::Job>> jobs_;
};

}  // namespace mailroom::outbox
