// The durable outbox at work: messages go at once, at their time, at their pace, and again after a temporary
// failure; then their copy goes to Sent.
#pragma once
#include <memory>
#include <string>

#include "aoh/sdk/call.hpp"
#include "outbox/transmit.hpp"

namespace mailroom::outbox {

class Worker;

/// One for the instance. Thread-safe.
class Outbox {
 public:
  explicit Outbox(host::Runtime& runtime);
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  Store& store() { return shared_->store; }
  bool resident() const { return shared_->resident; }

  /// The host stays up: takes up what was left (queued, due, copies that are owed), calls uncertain what was
  /// committing when the last process ended, and goes on until stop().
  void start();
  /// Begins nothing new, gives up what has not reached its final dot, and waits for the rest, 4 s at most: a
  /// host has 5 s in all. What has no answer by then is uncertain at the next start.
  void stop();

  /// One attempt within a call: at once when the pace allows it; else it waits up to `kPatience`, or queues
  /// the record (in a host that stays up). Returns the record as it is then. Throws Failure for what was not
  /// sent; when `attempt.committed` is true then, nobody knows.
  Record deliver(aoh::Call& call, Attempt attempt);
  /// A record was queued, or something follows for it: the worker looks at it at `at_unix_ns`.
  void wake(const Record& record, std::int64_t at_unix_ns);

  /// The SIZE that the account's server announces, bytes; 0: none. Asked once, then remembered.
  std::uint64_t server_size(aoh::Call& call, const host::Account& account);

  static constexpr std::int64_t kPatienceMs = 30'000;

 private:
  bool paced(aoh::Call& call, Attempt& attempt);

  std::unique_ptr<Shared> shared_;
  std::shared_ptr<Worker> worker_;
};

}  // namespace mailroom::outbox
