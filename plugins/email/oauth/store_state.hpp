// The token store's books (internal to it): who waits for which account, what is not to be used or asked.
#pragma once
#include "net/alarm.hpp"
#include "oauth/proto/answers.hpp"
#include "oauth/store.hpp"

namespace mailroom::oauth {

/// One caller who waits for a renewal.
struct Waiter {
  Waiter(net::Executor e, net::Clock& clock) : executor(e), alarm(e, clock) {}
  net::Executor executor;
  net::Alarm alarm;  // poked on its executor
  bool done = false;
  host::SignIn result;  // his own copy
  Error error;
};

/// What came from the server and could not be saved: nobody may use it yet.
struct Unsaved {
  TokenSet set;
  std::uint64_t expected = 0;
};

struct Slot {
  bool renewing = false;
  std::vector<std::string> bearers;  // of those who wait; any of them stands for the renewal
  std::vector<std::shared_ptr<Waiter>> waiters;
  std::string rejected;            // generation that a mail server refused
  std::int64_t not_before_ns = 0;  // when may the endpoint be asked again? the clock's
  Error why_not;                   // what is said until then
  std::unique_ptr<Unsaved> unsaved;
};

struct TokenStore::State : std::enable_shared_from_this<TokenStore::State> {
  explicit State(host::Runtime& r) : runtime(r) {}

  /// The token as a sign-in; `saved` must be live.
  host::SignIn handed_out(const host::Account& account, const Saved& saved) const;
  /// May it be given out? `even_if_due`: also when it should be renewed by now.
  bool good(const Slot& slot, const host::Account& account, const Saved& saved, bool even_if_due) const;
  std::vector<std::string> bearers_of(const std::string& id);

  /// Null: `out` is set. Else who waits for the renewal, which the caller begins if `begin` says so. Throws
  /// Failure when none may be asked for now.
  std::shared_ptr<Waiter> enqueue(const net::Executor& executor, const host::Account& account,
                                  const std::string& bearer, const Saved& saved, host::SignIn& out,
                                  bool& begin);

  // renewal.cpp
  bool usable(const host::Account& account, const Saved& saved, bool even_if_due);
  std::unique_ptr<Unsaved> take_unsaved(const std::string& id, std::uint64_t expected);
  void hold_off(const std::string& id, const Answer& answer);
  net::Task<Saved> obtain(net::Executor executor, const host::Account& account);
  Saved keep(const host::Account& account, Saved before, TokenSet next);
  Saved latch(const host::Account& account, const Saved& saved, const std::string& why);
  void settle(const host::Account& account, const Saved& saved, const Error& error);

  host::Runtime& runtime;
  std::mutex mutex;  // guards everything below
  std::condition_variable idle;
  std::map<std::string, Slot> slots;  // by credential
  unsigned running = 0;               // renewals
  bool draining = false;
};

}  // namespace mailroom::oauth
