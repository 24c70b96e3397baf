// What a lease does with its connection: delivers, replaces one that had died unseen, gives it back.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "smtp/pool_state.hpp"

namespace mailroom::smtp {

namespace asio = boost::asio;

namespace {

/// Could the server have closed it before it was asked anything?
bool was_gone(const Outcome& outcome) {
  return !outcome.connection_ok && outcome.state == Outcome::State::temporary &&
         (outcome.error.code == Errc::closed || outcome.error.code == Errc::bye);
}

}  // namespace

Lease::Lease(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Lease::Lease(Lease&&) noexcept = default;
Lease& Lease::operator=(Lease&&) noexcept = default;
Lease::~Lease() = default;

Lease::Impl::~Impl() {
  if (!pool) return;
  if (connection && usable && !aborted)
    pool->give_back(key, std::move(connection), request.limits);
  else
    pool->lost(key, std::move(connection));
}

/// A new connection in the place of the present one, which says QUIT if it still can.
net::Task<void> Lease::Impl::replace() {
  {
    const std::lock_guard lock(mutex);
    if (aborted) throw Failure(Errc::cancelled, "the connection was given up");
    Todo todo;
    if (connection) {
      const std::lock_guard books(pool->mutex);
      pool->retire(std::move(connection), todo);
    }
    connection = nullptr;
    for (const auto& work : todo) work();
  }
  const net::Executor strand = pool->new_strand();
  std::shared_ptr<PooledConnection> fresh = co_await asio::co_spawn(
      strand,
      open_connection(pool->context, strand, request.login.clone(), request.generation, request.trace),
      asio::use_awaitable);
  const std::lock_guard lock(mutex);
  connection = std::move(fresh);
  if (aborted) throw Failure(Errc::cancelled, "the connection was given up");
}

const Capabilities& Lease::capabilities() const {
  static const Capabilities none;
  const std::lock_guard lock(impl_->mutex);
  return impl_->connection ? impl_->connection->client->capabilities() : none;
}

net::Task<Outcome> Lease::deliver(const Envelope& envelope, std::string_view message,
                                  BeforeCommit before_commit, bool all_or_nothing) {
  StringSource source(message);
  const Message checked(source);
  co_return co_await deliver(envelope, checked, std::move(before_commit), all_or_nothing);
}

net::Task<Outcome> Lease::deliver(const Envelope& envelope, const Message& message,
                                  BeforeCommit before_commit, bool all_or_nothing) {
  check(envelope);  // a mistake of the caller's costs no connection
  Impl& i = *impl_;
  bool committed = false;
  const BeforeCommit commit = [&] {
    committed = true;
    if (before_commit) before_commit();
  };
  // Unless the delivery ends in good order, the connection does not go back.
  i.usable = false;
  if (!i.connection || i.connection->messages >= std::max(1u, i.request.limits.messages))
    co_await i.replace();
  for (;;) {
    const std::shared_ptr<PooledConnection> c = i.connection;
    Outcome outcome = co_await asio::co_spawn(
        c->strand, c->client->deliver(envelope, message, commit, all_or_nothing), asio::use_awaitable);
    ++c->messages;
    i.usable = outcome.connection_ok;
    if (!c->rested || committed || !was_gone(outcome)) {
      c->rested = false;
      co_return outcome;
    }
    co_await i.replace();
  }
}

void Lease::abort() {
  const std::lock_guard lock(impl_->mutex);
  impl_->aborted = true;
  if (impl_->connection) impl_->connection->client->abort();
}

}  // namespace mailroom::smtp
