// One attempt to hand a message of the outbox to the account's SMTP server.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "host/account.hpp"
#include "host/runtime.hpp"
#include "net/asio.hpp"
#include "outbox/pacer.hpp"
#include "outbox/store.hpp"
#include "smtp/pool.hpp"

namespace mailroom::outbox {

/// What attempts share; outlives them.
struct Shared {
  explicit Shared(host::Runtime& r)
      : runtime(r), store(r.services()), pacer(r.services()), pool(r.net(), [&r] { return r.strand(); }) {}
  host::Runtime& runtime;
  Store store;
  Pacer pacer;
  smtp::Pool pool;
  /// The host stays up: what fails for a while is tried again here. Else the caller is told.
  std::atomic<bool> resident{false};
  std::mutex sizes_mutex;
  std::map<std::string, std::uint64_t> sizes;  ///< SIZE by account and server, as last announced
};

struct Attempt {
  host::Account account;
  Store::Entry entry;
  std::shared_ptr<Store::Claim> claim;  ///< held until it ends, also when its caller is gone
  std::string bearer;                   ///< on whose behalf the password is read
  std::shared_ptr<std::atomic<bool>> committed = std::make_shared<std::atomic<bool>>(false);
};

/// Runs on `executor`, a strand of its own; holds everything it needs, for it may outlive its call, which
/// learns from `committed` whether the server may have the message. Returns the record as it was stored:
/// sent, refused, uncertain, queued for the next attempt, or failed. Throws what stopped it before the final
/// dot; the record says so then, too. A cancelled job ends it, but not between the final dot and its answer.
net::Task<Record> transmit(Shared& shared, std::shared_ptr<host::Job> job, Attempt attempt,
                           net::Executor executor);

/// Signs in and tells the SIZE that the server announces. Throws Failure.
net::Task<std::uint64_t> ask_size(Shared& shared, std::shared_ptr<host::Job> job,
                                  std::shared_ptr<const host::Account> account, std::string bearer,
                                  net::Executor executor);

}  // namespace mailroom::outbox
