// One renewal, from looking at what is saved to saving what came.
#include "net/alarm.hpp"
#include "oauth/ask.hpp"
#include "oauth/store_state.hpp"

namespace mailroom::oauth {
namespace {

using std::chrono::milliseconds;

constexpr unsigned kRounds = 5;                  // of reading what another has saved
constexpr milliseconds kLook{200};               // between two looks at a lease that is another's
constexpr std::chrono::seconds kThrottled{30};   // after a 429 without Retry-After
constexpr std::chrono::seconds kUnavailable{5};  // after a 5xx or a failed connection

constexpr const char* kNobody = "nobody has signed in yet";
constexpr const char* kElsewhere = "the last sign-in was at another token endpoint, or for another client";

}  // namespace

// Durable when it returns: only then may anybody use it.
Saved TokenStore::State::keep(const host::Account& account, Saved before, TokenSet next) {
  const host::Services& services = runtime.services();
  const std::vector<std::string> bearers = bearers_of(account.id);
  try {
    for (unsigned round = 0; round < kRounds; ++round) {
      Saved out;
      if (save(services, account.id, bearers, before.version, next, out.version)) {
        out.set = std::move(next);
        return out;
      }
      before = read_saved(services, account.id, bearers);
      // What another has saved meanwhile is as good, or better: somebody may have signed in as somebody else.
      if (before.set.live(services.clock.wall_ns(), next.settings)) return before;
    }
  } catch (const Failure& f) {
    auto unsaved = std::make_unique<Unsaved>();
    unsaved->set = std::move(next);
    unsaved->expected = before.version;
    const std::lock_guard lock(mutex);
    slots[account.id].unsaved = std::move(unsaved);
    Error e = f.error;
    e.code = Errc::temporary;
    throw Failure(std::move(e));
  }
  throw Failure(Errc::temporary, "the account's tokens are changed again and again by others",
                "credential " + account.id);
}

// Nobody but a person can go on from here; what is stored says so to all processes.
Saved TokenStore::State::latch(const host::Account& account, const Saved& saved, const std::string& why) {
  TokenSet empty;
  empty.sign_in_again = why;
  Saved out;
  const bool mine =
      save(runtime.services(), account.id, bearers_of(account.id), saved.version, empty, out.version);
  if (!mine) return read_saved(runtime.services(), account.id, bearers_of(account.id));
  out.set = std::move(empty);
  return out;
}

bool TokenStore::State::usable(const host::Account& account, const Saved& saved, bool even_if_due) {
  const std::lock_guard lock(mutex);
  return good(slots[account.id], account, saved, even_if_due);
}

std::unique_ptr<Unsaved> TokenStore::State::take_unsaved(const std::string& id, std::uint64_t expected) {
  const std::lock_guard lock(mutex);
  std::unique_ptr<Unsaved> out = std::move(slots[id].unsaved);
  // What is stored is newer than what this was to replace: somebody has signed in.
  return out && out->expected == expected ? std::move(out) : nullptr;
}

void TokenStore::State::hold_off(const std::string& id, const Answer& answer) {
  const auto wait =
      answer.wait.value_or(answer.error.code == Errc::auth_throttled ? kThrottled : kUnavailable);
  const std::lock_guard lock(mutex);
  slots[id].not_before_ns = net::after(runtime.clock().now_ns(), wait);
  slots[id].why_not = answer.error;
}

net::Task<Saved> TokenStore::State::obtain(net::Executor executor, const host::Account& account) {
  const host::Services& services = runtime.services();
  const host::OAuthSettings& settings = *account.oauth;
  const bool person = host::needs_a_person(settings.grant);
  const std::string print = settings_print(settings);
  Lease lease(services, account.id);
  net::Alarm look(executor, runtime.clock());
  for (unsigned round = 0; round < kRounds; ++round) {
    if (person)
      while (!lease.take()) co_await look.wait_for(kLook);
    std::vector<std::string> bearers = bearers_of(account.id);
    Saved saved = read_saved(services, account.id, bearers);
    if (usable(account, saved, false)) co_return std::move(saved);
    if (const std::unique_ptr<Unsaved> unsaved = take_unsaved(account.id, saved.version)) {
      saved = keep(account, std::move(saved), std::move(unsaved->set));
      if (usable(account, saved, true)) co_return std::move(saved);
    }
    const bool elsewhere = !saved.set.refresh.empty() && !refresh_belongs_to(saved.set.settings, print);
    if (person && (saved.set.refresh.empty() || elsewhere)) {
      const std::string why = elsewhere                         ? kElsewhere
                              : saved.set.sign_in_again.empty() ? kNobody
                                                                : saved.set.sign_in_again;
      note_attention(services, account.id, why);
      throw Failure(sign_in_again(account.id, why));
    }
    Asked asked = co_await ask(runtime, executor, account, bearers.front(), saved.set.refresh.reveal(),
                               person ? &lease : nullptr);
    Answer& a = asked.answer;
    if (a.kind == Answer::Kind::tokens) {
      TokenSet next = renewed(saved.set, std::move(a.tokens), asked.at_unix_ns, print);
      saved = keep(account, std::move(saved), std::move(next));
      clear_attention(services, account.id);
      co_return std::move(saved);
    }
    if (a.kind == Answer::Kind::invalid_grant && person) {
      const std::string why = a.error.what + (a.error.server.empty() ? "" : " (" + a.error.server + ")");
      const Saved now = latch(account, saved, why);
      if (now.set.sign_in_again.empty()) continue;  // another has signed in, or renewed it, meanwhile
      note_attention(services, account.id, why);
      throw Failure(sign_in_again(account.id, why));
    }
    if (a.kind == Answer::Kind::invalid_grant)
      a.error.cure = "Check the service account's key, whom it may act for, and this machine's clock";
    if (a.kind == Answer::Kind::later) hold_off(account.id, a);
    services.log.warn("the token of " + account.id + " could not be renewed: " + a.error.line());
    // Until its end the old one is as good as before.
    if (usable(account, saved, true)) co_return std::move(saved);
    throw Failure(a.error);
  }
  throw Failure(Errc::temporary, "the account's tokens are changed again and again by others",
                "credential " + account.id);
}

}  // namespace mailroom::oauth
