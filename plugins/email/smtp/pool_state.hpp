// The pool's books (internal to the pool): who waits, what is idle, how many are open. Shared by lease.cpp
// and pool.cpp.
#pragma once
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "net/alarm.hpp"
#include "smtp/pool.hpp"

namespace mailroom::smtp {

struct GiveUp::State {
  std::mutex mutex;
  bool given_up = false;
  std::function<void()> wake;  // ends the wait under way
};

/// Held by the idle list, a lease, or the coroutine that opens or closes it: one at a time.
struct PooledConnection {
  net::Executor strand;  // where it lives
  std::unique_ptr<Client> client;
  std::string generation;
  unsigned messages = 0;          // how many went over it?
  bool rested = false;            // has it been idle, so that the server may have closed it?
  std::int64_t idle_since = 0;    // when did it come back?
  net::Clock::TimerId timer = 0;  // the one that looks at it; 0: none
};

struct Waiter {
  Waiter(net::Executor e, net::Clock& clock, LeaseRequest r)
      : executor(e), alarm(e, clock), request(std::move(r)) {}
  net::Executor executor;
  net::Alarm alarm;
  LeaseRequest request;
  bool opening = false;  // is a connection being opened on its behalf, or was, and it waits for another's?
  bool done = false;     // connection or error is set
  std::shared_ptr<PooledConnection> connection;
  Error error;  // each has his own: one exception is not shared between threads
};

/// A connection being opened. Its own copy of all that it needs: the waiter who asked for it may meanwhile be
/// served by another's, and goes away with his request.
struct PoolOpening {
  std::string key;
  std::shared_ptr<Waiter> waiter;  // only to tell who it is, and under the mutex
  Login login;
  std::string generation;
  net::TraceSink trace;
  std::chrono::milliseconds idle{};
};

struct PoolGroup {
  unsigned open = 0;                                   // being opened, idle and leased
  std::deque<std::shared_ptr<PooledConnection>> idle;  // the one used last is last
  std::deque<std::shared_ptr<Waiter>> waiters;         // in the order they came
};

/// Work that is to be begun after the mutex is free: it may run at once on this thread.
using Todo = std::vector<std::function<void()>>;

struct Pool::State : std::enable_shared_from_this<Pool::State> {
  State(net::Context c, std::function<net::Executor()> s) : context(c), new_strand(std::move(s)) {}
  static std::string key_of(const Login& login);

  /// Gives idle connections to waiters and opens new ones, as far as the limits go. With the mutex held.
  void pump(const std::string& key, Todo& todo);
  void open_for(const std::string& key, const std::shared_ptr<Waiter>& waiter, Todo& todo);
  void settle(PoolGroup& group, std::size_t waiter, std::shared_ptr<PooledConnection> connection,
              const Error& error, Todo& todo);
  /// Says QUIT and lets go; its place must be free already.
  void retire(std::shared_ptr<PooledConnection> connection, Todo& todo);
  /// Lets go of one that is dead, on its own strand.
  void drop(std::shared_ptr<PooledConnection> connection, Todo& todo);
  void watch_idle(const std::string& key, const std::shared_ptr<PooledConnection>& c,
                  std::chrono::milliseconds idle);

  // These take the mutex.
  void opened(const PoolOpening& opening, std::shared_ptr<PooledConnection> connection, const Error& error);
  void give_back(const std::string& key, std::shared_ptr<PooledConnection> connection,
                 const PoolLimits& limits);
  /// What was leased is gone, and will not be replaced.
  void lost(const std::string& key, std::shared_ptr<PooledConnection> connection);
  void looked_at(const std::string& key, const std::shared_ptr<PooledConnection>& c,
                 std::chrono::milliseconds idle);

  net::Context context;
  std::function<net::Executor()> new_strand;
  mutable std::mutex mutex;
  bool closed = false;
  std::map<std::string, PoolGroup> groups;
};

/// Opens a connection on `strand`, which is the calling coroutine's.
net::Task<std::shared_ptr<PooledConnection>> open_connection(net::Context context, net::Executor strand,
                                                             Login login, std::string generation,
                                                             net::TraceSink trace);
/// QUIT; holds the connection meanwhile.
net::Task<void> quit(std::shared_ptr<PooledConnection> connection);

struct Lease::Impl {
  std::shared_ptr<Pool::State> pool;
  std::string key;
  LeaseRequest request;                          // for a replacement
  std::mutex mutex;                              // guards the pointer and `aborted` against abort()
  std::shared_ptr<PooledConnection> connection;  // null: lost
  bool aborted = false;
  bool usable = true;  // may it go back?

  ~Impl();
  net::Task<void> replace();
};

}  // namespace mailroom::smtp
