// What watchers tell aoh.metrics/1. Labels are the account's id and the mailbox's name, cut; of a message
// nothing is told but how long it took.
#pragma once
#include "aoh/sdk/metrics.hpp"

namespace mailroom::watch {

/// The metrics of all watchers of an instance. Outlives them. Any thread.
class Measures {
 public:
  explicit Measures(const aoh_host* host);
  /// From the server's word that there is a message to the host's record of it.
  void handed_over(std::int64_t took_ns) const noexcept;

  /// One watcher as it is; within aoh.metrics/1's collection.
  struct Watched {
    std::string_view credential_id, mailbox, state;
    bool alive = false;  ///< there is a connection, and it has proved so lately
    std::optional<std::int64_t> silent_ns;
    std::int64_t lag_ms = 0;
    std::uint64_t handed_over = 0, parked = 0, reconnects = 0;
  };
  void watcher(const Watched& w) const noexcept;
  void on_collect(void (*fn)(void*), void* arg) const noexcept { metrics_.on_collect(fn, arg); }

 private:
  aoh::Metrics metrics_;
};

}  // namespace mailroom::watch
