#include "oauth/store.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "oauth/store_state.hpp"

namespace mailroom::oauth {
namespace asio = boost::asio;
namespace {

constexpr std::size_t kMostBearers = 64;  // of those who wait; the first ones do

net::Task<void> renew(std::shared_ptr<TokenStore::State> state, host::Account account,
                      net::Executor executor) {
  Saved saved;
  Error error;
  try {
    saved = co_await state->obtain(executor, account);
  } catch (const Failure& f) {
    error = f.error;
  } catch (const aoh::StatusError& e) {
    error = host::from_status(e.status, "the token could not be renewed", "credential " + account.id);
  } catch (const std::exception& e) {
    error = {Errc::internal,
             std::string("the token could not be renewed: ") + e.what(),
             "credential " + account.id,
             {},
             "Report it with the host's log"};
  }
  state->settle(account, saved, error);
}

}  // namespace

TokenStore::TokenStore(host::Runtime& runtime) : state_(std::make_shared<State>(runtime)) {}
TokenStore::~TokenStore() = default;

host::SignIn TokenStore::State::handed_out(const host::Account& account, const Saved& saved) const {
  host::SignIn out;
  out.credentials.user = account.username;
  out.credentials.token = saved.set.access.clone();
  out.generation = account.id + "/token/" + std::to_string(saved.version);
  out.good_until_ns =
      runtime.clock().now_ns() + (saved.set.expires_unix_ns - runtime.services().clock.wall_ns());
  out.renewable = true;
  return out;
}

bool TokenStore::State::good(const Slot& slot, const host::Account& account, const Saved& saved,
                             bool even_if_due) const {
  const std::int64_t now = runtime.services().clock.wall_ns();
  return saved.set.live(now, settings_print(*account.oauth)) && (even_if_due || !saved.set.due(now)) &&
         slot.rejected != account.id + "/token/" + std::to_string(saved.version);
}

std::vector<std::string> TokenStore::State::bearers_of(const std::string& id) {
  const std::lock_guard lock(mutex);
  return slots[id].bearers;
}

std::shared_ptr<Waiter> TokenStore::State::enqueue(const net::Executor& executor,
                                                   const host::Account& account, const std::string& bearer,
                                                   const Saved& saved, host::SignIn& out, bool& begin) {
  const std::lock_guard lock(mutex);
  Slot& slot = slots[account.id];
  const bool must_wait = runtime.clock().now_ns() < slot.not_before_ns;
  if (good(slot, account, saved, must_wait)) {
    out = handed_out(account, saved);
    return nullptr;
  }
  if (must_wait) throw Failure(slot.why_not);
  if (draining) throw Failure(Errc::cancelled, "the host is shutting down");
  const auto waiter = std::make_shared<Waiter>(executor, runtime.clock());
  slot.waiters.push_back(waiter);
  if (slot.bearers.size() < kMostBearers) slot.bearers.push_back(bearer);
  begin = !std::exchange(slot.renewing, true);
  if (begin) ++running;
  return waiter;
}

net::Task<host::SignIn> TokenStore::sign_in(net::Executor executor, host::Account account,
                                            std::string bearer) {
  const std::vector<std::string> mine{bearer};
  // By the caller's own bearer: whoever may not have it is told here, and whoever may stands in the audit.
  const Saved saved = read_saved(state_->runtime.services(), account.id, mine);
  host::SignIn out;
  bool begin = false;
  const std::shared_ptr<Waiter> waiter = state_->enqueue(executor, account, bearer, saved, out, begin);
  if (!waiter) co_return std::move(out);
  if (begin) {  // without the lock: it may run at once on this thread
    const net::Executor strand = state_->runtime.strand();
    asio::co_spawn(strand, renew(state_, account, strand), asio::detached);
  }
  while (!waiter->done) co_await waiter->alarm.wait_until(INT64_MAX);
  if (waiter->error) throw Failure(waiter->error);
  co_return std::move(waiter->result);
}

void TokenStore::State::settle(const host::Account& account, const Saved& saved, const Error& error) {
  const std::lock_guard lock(mutex);
  Slot& slot = slots[account.id];
  slot.renewing = false;
  slot.bearers.clear();
  for (const auto& waiter : std::exchange(slot.waiters, {})) {
    // Each his own copy, handed over where he waits.
    auto result = std::make_shared<host::SignIn>();
    if (!error) {
      *result = handed_out(account, saved);
      result->renewable = false;  // it is new: another one would be refused likewise
    }
    asio::post(waiter->executor, [waiter, result, error] {
      waiter->result = std::move(*result);
      waiter->error = error;
      waiter->done = true;
      waiter->alarm.poke();
    });
  }
  --running;
  idle.notify_all();
}

void TokenStore::rejected(const host::Account& account, std::string_view generation) {
  const std::lock_guard lock(state_->mutex);
  state_->slots[account.id].rejected = generation;
}

void TokenStore::drain(std::chrono::milliseconds most) {
  std::unique_lock lock(state_->mutex);
  state_->draining = true;
  state_->idle.wait_for(lock, most, [&] { return state_->running == 0; });
}

}  // namespace mailroom::oauth
