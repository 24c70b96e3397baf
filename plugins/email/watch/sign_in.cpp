// A watcher's connection: signing in, and a new connection when the token of the old one has run out.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "host/providers.hpp"
#include "watch/watcher.hpp"

namespace mailroom::watch {
namespace {

// A connection outlives its token where the server lets it; how long until another token is asked for again.
constexpr std::chrono::milliseconds kAgain{30'000};

}  // namespace

struct Watcher::Connecting {
  bool done = false;
  std::unique_ptr<imap::Client> client;
  std::string generation;
  std::int64_t good_until_ns = INT64_MAX;
  std::exception_ptr error;
};

net::Task<void> Watcher::connect_into(std::shared_ptr<Connecting> to, host::Runtime* runtime,
                                      host::Account account, std::string bearer, net::Executor executor,
                                      std::weak_ptr<Watcher> waiter) {
  using Session = std::unique_ptr<imap::Client>;
  try {
    const std::function<net::Task<Session>(host::SignIn)> open = [&](host::SignIn in) {
      to->generation = std::move(in.generation);
      to->good_until_ns = in.good_until_ns;
      imap::Login login;
      login.endpoint = runtime->services().imap_server(account, bearer);
      login.quirks = imap::Quirks::from(host::imap_quirks(account));
      login.credentials = std::move(in.credentials);
      login.resync = true;
      return imap::Client::connect(executor, runtime->net(), std::move(login),
                                   runtime->trace("imap " + account.imap->where()));
    };
    to->client = co_await host::with_sign_in<Session>(*runtime, executor, account, bearer, open);
  } catch (...) {
    to->error = std::current_exception();
  }
  to->done = true;
  if (const auto w = waiter.lock()) w->alarm_.poke();
}

net::Task<void> Watcher::sign_in_into(std::shared_ptr<Connecting> to, host::Runtime* runtime,
                                      host::Account account, std::string bearer, net::Executor executor,
                                      std::weak_ptr<Watcher> waiter) {
  try {
    const host::SignIn in = co_await host::sign_in(*runtime, executor, std::move(account), std::move(bearer));
    to->generation = in.generation;
    to->good_until_ns = in.good_until_ns;
  } catch (...) {
    to->error = std::current_exception();
  }
  to->done = true;
  if (const auto w = waiter.lock()) w->alarm_.poke();
}

// False when the watcher was told to stop meanwhile: the attempt is left to end by itself, since signing in
// may take as long as the server likes. Throws what it threw.
net::Task<bool> Watcher::wait_for(std::shared_ptr<Connecting> attempt) {
  while (!attempt->done && !stopping_) co_await alarm_.wait_until(INT64_MAX);
  if (stopping_) co_return false;
  if (attempt->error) std::rethrow_exception(attempt->error);
  co_return true;
}

net::Task<bool> Watcher::connect() {
  const host::Account account = runtime_.services().account(credential_id_);
  if (!account.imap)
    throw Failure(Errc::config, "the account has no IMAP server", "credential " + account.id + ": imap",
                  "Add it with host-stub credential add");
  status_keeps_ = imap::Quirks::from(host::imap_quirks(account)).has(imap::Quirk::noop_does_not_keep);
  trusted_ = account.trusted_authserv_ids;
  own_ = account.addresses();
  times_ = host::watch_times(account, {runtime_.config().idle_renew, runtime_.config().poll_interval});
  const auto attempt = std::make_shared<Connecting>();
  boost::asio::co_spawn(
      executor_, connect_into(attempt, &runtime_, account, source_->trigger_id, executor_, weak_from_this()),
      boost::asio::detached);
  const bool there = co_await wait_for(attempt);
  if (!there) co_return false;
  client_ = std::move(attempt->client);
  token_ = attempt->generation;
  token_ends_ns_ = attempt->good_until_ns;
  {
    const std::lock_guard lock(mutex_);
    ++health_.connections;
  }
  co_return true;
}

// Once the connection's token has run out: is there another one, so that a new connection is worth it? While
// none can be had for now, the old connection goes on as long as the server lets it. Throws when a person
// must sign in.
net::Task<bool> Watcher::token_is_new() {
  if (runtime_.clock().now_ns() < token_ends_ns_) co_return false;
  const auto attempt = std::make_shared<Connecting>();
  boost::asio::co_spawn(executor_,
                        sign_in_into(attempt, &runtime_, runtime_.services().account(credential_id_),
                                     source_->trigger_id, executor_, weak_from_this()),
                        boost::asio::detached);
  try {
    const bool there = co_await wait_for(attempt);
    if (!there) co_return false;
    if (attempt->generation != token_) {
      token_ended_ = true;
      co_return true;
    }
  } catch (const Failure& f) {
    if (!is_temporary(f.error.code)) throw;
    runtime_.services().log.warn("watching " + credential_id_ + " " + printable(mailbox_, 200) +
                                 ": the token has run out, and there is no other yet: " + f.error.line());
  }
  token_ends_ns_ = net::after(runtime_.clock().now_ns(), kAgain);
  co_return false;
}

// Did the session end because its token had run out, by us or by the server? Then a new one follows at once.
bool Watcher::token_has_ended(const Error& error) {
  const bool by_server = (error.code == Errc::closed || error.code == Errc::bye) && attempt_ == 0 &&
                         token_ends_ns_ != INT64_MAX && runtime_.clock().now_ns() >= token_ends_ns_;
  const bool by_us = std::exchange(token_ended_, false);
  token_ends_ns_ = INT64_MAX;
  return by_us || (by_server && work_first_ == 0);  // a message at which sessions break is another matter
}

}  // namespace mailroom::watch
