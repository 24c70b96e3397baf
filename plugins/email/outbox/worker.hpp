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
  static constexpr int kInAll = 32;         ///< and in all; beyond them only one for each credential,
  static constexpr int kAtMost = 128;       ///< so that a few servers that hang hold up no other account
  static constexpr std::size_t kMostDue =
      100'000;  ///< known at once; the rest is looked up when these are done

  Worker(Shared& shared, net::Executor executor);
  void start();
  /// It is known already: looked at earlier then, or once more after the look that is under way.
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
  void all_due(std::int64_t now);
  bool sweep();
  bool has_room(const Lane& lane) const;
  void on_unreadable_account(Store::Entry& entry, const Failure& why, Due& due);

  Shared& shared_;
  net::Executor strand_;
  net::Alarm alarm_;
  std::map<std::string, Lane> lanes_;  // by credential; on the strand
  struct Known {
    std::int64_t at_unix_ns = 0;  // in its lane; under way: when to look again
    bool under_way = false;
  };
  std::map<std::string, Known> known_;  // by id, those in lanes_ or under way; on the strand
  std::int64_t looked_at_ns_ = 0;       // Unix nanoseconds of the last look
  std::int64_t sweep_at_ = 0;           // Unix nanoseconds of the next look for what has expired
  std::string swept_;                   // where it has come to
  bool more_ = false;                   // not all that is due fitted into lanes_
  int active_ = 0;                      // on the strand

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  int running_ = 0;  // coroutines that are not over: the loop and the attempts
  std::set<std::shared_ptr<host::Job>> jobs_;
};

}  // namespace mailroom::outbox
