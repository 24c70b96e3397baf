// Signed-in SMTP connections, kept for the next message of the same credential.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "smtp/client.hpp"

namespace mailroom::smtp {

/// What one credential may use. Providers' limits are lower or higher: a preset's values go in here.
struct PoolLimits {
  unsigned connections = 3;                ///< open at once, at least 1
  std::chrono::milliseconds idle{30'000};  ///< then QUIT
  unsigned messages = 100;                 ///< on one connection, then another one; at least 1
};

/// Lets any thread end a wait for a connection: lease() throws Failure(cancelled). Once, for good.
class GiveUp {
 public:
  GiveUp();
  void now();

  struct State;  ///< the pool's own business
  const std::shared_ptr<State>& state() const { return state_; }

 private:
  std::shared_ptr<State> state_;
};

struct LeaseRequest {
  Login login;
  /// Changes with the secret ("3", a hash, never the secret itself): a connection that signed in with another
  /// one is not used, and closed.
  std::string generation;
  PoolLimits limits;
  net::TraceSink trace;
  std::int64_t deadline_ns = INT64_MAX;  ///< on the pool's clock: Failure(timeout)
  std::shared_ptr<GiveUp> give_up;       ///< may be null
};

/// A connection for as long as it lives; then it goes back, or is closed. Moved, not copied. deliver()
/// belongs to the strand that asked for it, one call at a time; abort() and destruction to any thread.
class Lease {
 public:
  struct Impl;
  explicit Lease(std::unique_ptr<Impl> impl);
  Lease(Lease&&) noexcept;
  Lease& operator=(Lease&&) noexcept;
  ~Lease();

  const Capabilities& capabilities() const;
  /// Client::deliver(); `before_commit` runs on the connection's strand while the caller waits. A connection
  /// from the pool that turns out closed (also by a 421) before `before_commit` was called is replaced, once:
  /// the server had closed it while nobody looked. What the replacement's sign-in throws, this throws;
  /// nothing was sent then. `envelope` and `message` must live until it returns. May be called again as long
  /// as Outcome::connection_ok.
  net::Task<Outcome> deliver(const Envelope& envelope, const Message& message,
                             BeforeCommit before_commit = {}, bool all_or_nothing = false);
  net::Task<Outcome> deliver(const Envelope& envelope, std::string_view message,
                             BeforeCommit before_commit = {}, bool all_or_nothing = false);
  /// Any thread: as Client::abort(); no replacement any more.
  void abort();

 private:
  std::unique_ptr<Impl> impl_;
};

/// Thread-safe. `context` must outlive the pool's connections, which end with the Asio context of their
/// strands at the latest. A connection is known by endpoint, user and generation; the limits count by
/// endpoint and user.
class Pool {
 public:
  /// `new_strand`: makes a strand for each connection; called from any thread.
  Pool(net::Context context, std::function<net::Executor()> new_strand);
  ~Pool();  ///< shutdown()
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// The next free connection, or a new one while there are fewer than allowed; else waits its turn.
  /// `executor` is the calling coroutine's strand. Throws what Client::connect() throws (a refused sign-in
  /// for all who wait with the same secret: it is not tried again for each), timeout, cancelled, and state
  /// after shutdown().
  net::Task<Lease> lease(net::Executor executor, LeaseRequest request);

  /// Ends all waits, says QUIT on idle connections; leased ones end when they come back. Any thread, at once.
  void shutdown();

  struct Counts {
    unsigned open = 0;  ///< connections, also those being opened or leased
    unsigned idle = 0;
    unsigned waiting = 0;  ///< callers
  };
  Counts counts() const;

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace mailroom::smtp
