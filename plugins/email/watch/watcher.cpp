#include "watch/watcher.hpp"

#include <openssl/rand.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "imap/proto/throttle.hpp"
#include "net/backoff.hpp"

namespace mailroom::watch {
namespace {

using std::chrono::milliseconds;

// A failed sign-in is not repeated quickly: servers lock accounts.
constexpr net::Backoff kQuick{milliseconds(1'000), milliseconds(5 * 60'000)};
constexpr net::Backoff kSlow{milliseconds(60'000), milliseconds(15 * 60'000)};
constexpr milliseconds kStopGrace{3'000};
constexpr unsigned kHollowMost = 5;

std::uint64_t random_number() {
  std::uint64_t n = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&n), sizeof n);
  return n;
}

// Waiting does not help: somebody has to change something.
bool needs_a_person(Errc code) {
  switch (code) {
    case Errc::auth:
    case Errc::config:
    case Errc::certificate:
    case Errc::starttls_missing:
    case Errc::not_found:
    case Errc::refused:
    case Errc::unsupported:
    case Errc::invalid:
    case Errc::state:
      return true;
    default:
      return false;
  }
}

}  // namespace

Watcher::Watcher(host::Runtime& runtime, net::Executor executor, Source source, std::optional<Cursor> cursor,
                 std::shared_ptr<aoh::Trigger> trigger, const Measures* measures)
    : runtime_(runtime),
      executor_(executor),
      credential_id_(source.credential_id),
      mailbox_(source.mailbox),
      source_(std::make_shared<const Source>(std::move(source))),
      cursor_(std::move(cursor)),
      trigger_(std::move(trigger)),
      measures_(measures),
      alarm_(executor, runtime.clock()),
      host_alarm_(executor, runtime.clock()),
      latest_(source_) {}

std::shared_ptr<Watcher> Watcher::start(host::Runtime& runtime, Source source, std::string_view cursor,
                                        std::shared_ptr<aoh::Trigger> trigger, const Measures* measures) {
  auto w = std::make_shared<Watcher>(runtime, runtime.strand(), std::move(source), Cursor::from(cursor),
                                     std::move(trigger), measures);
  boost::asio::co_spawn(
      w->executor_, [w]() -> net::Task<void> { return w->run(); },
      [w](std::exception_ptr error) {
        // Defects only: run() deals with what can happen.
        std::string why;
        try {
          if (error) std::rethrow_exception(error);
        } catch (const std::exception& e) {
          why = e.what();
        } catch (...) {
          why = "unknown exception";
        }
        w->client_.reset();
        w->trigger_->stopped(error ? AOH_E_INTERNAL : AOH_OK, why);
      });
  return w;
}

void Watcher::stop() {
  boost::asio::post(executor_, [self = shared_from_this()] {
    if (std::exchange(self->stopping_, true)) return;
    self->alarm_.poke();
    self->host_alarm_.poke();
    if (!self->client_) return;
    if (self->idling_) {
      self->client_->interrupt();
      return;
    }
    // A command is under way: it may end in good order, for a while.
    self->runtime_.clock().schedule(net::after(self->runtime_.clock().now_ns(), kStopGrace),
                                    [weak = self->weak_from_this()] {
                                      if (const auto w = weak.lock())
                                        boost::asio::post(w->executor_, [w] {
                                          if (w->client_) w->client_->abort();
                                        });
                                    });
  });
}

void Watcher::reconfigure(Source source) {
  auto fresh = std::make_shared<const Source>(std::move(source));
  {
    const std::lock_guard lock(mutex_);
    latest_ = fresh;
  }
  boost::asio::post(executor_, [self = shared_from_this(), fresh] { self->source_ = fresh; });
}

void Watcher::credential_changed() {
  boost::asio::post(executor_, [self = shared_from_this()] {
    self->attempt_ = 0;
    self->alarm_.poke();
  });
}

void Watcher::contact() {
  const std::lock_guard lock(mutex_);
  health_.last_contact_ns = runtime_.services().clock.wall_ns();
  health_.heard_ns = runtime_.clock().now_ns();
}

void Watcher::say(std::string state, std::int64_t probe_ns) {
  aoh::Json j;
  {
    const std::lock_guard lock(mutex_);
    health_.state = std::move(state);
    health_.probe_ns = probe_ns;
    if (health_.state == "idle" || health_.state == "polling") {
      health_.last_error.clear();
      health_.cure.clear();
      health_.retry_at_ns = 0;
    }
    j.set("state", health_.state).set("mailbox", mailbox_);
    j.set_if(health_.last_contact_ns, "last_contact_unix_ns", health_.last_contact_ns);
    j.set_if(health_.last_event_ns, "last_event_unix_ns", health_.last_event_ns);
    j.set("lag_ms", health_.lag_ms);
    j.set_if(!health_.last_error.empty(), "last_error", health_.last_error);
    j.set_if(!health_.cure.empty(), "cure", health_.cure);
    j.set_if(health_.retry_at_ns, "retry_at_unix_ns", health_.retry_at_ns);
  }
  trigger_->health(j);
}

aoh::Json Watcher::in_force() const {
  std::shared_ptr<const Source> source;
  {
    const std::lock_guard lock(mutex_);
    source = latest_;
  }
  return aoh::Json{{"rules", aoh::Json::parse(source->rules->text)},
                   {"blueprints", aoh::Json::parse(source->asked)}};
}

net::Task<void> Watcher::run() {
  say("starting");
  while (!stopping_) {
    Error error;
    try {
      co_await session();
    } catch (const Failure& f) {
      error = f.error;
    } catch (const aoh::StatusError& e) {
      error = host::from_status(e.status, e.what());
    } catch (const std::exception& e) {
      error = {Errc::internal, std::string("a defect: ") + e.what(), {}, {}, "Report it with the host's log"};
    }
    idling_ = false;
    client_.reset();
    if (stopping_) break;
    if (token_has_ended(error)) continue;
    if (!error) error = {Errc::closed, "the session ended", {}, {}, {}};
    suspect(error);
    co_await back_off(error);
  }
}

// A message at which sessions break again and again must not block those behind it.
void Watcher::suspect(const Error& error) {
  // Told to slow down: that is no message's fault.
  const bool throttled = imap::asked_to_wait(error.server).has_value();
  if (work_first_ != 0 && error.code != Errc::cancelled && !throttled) {
    if (work_first_ != work_last_) {
      careful_until_ = std::max(careful_until_, work_last_);
    } else {
      suspect_times_ = suspect_ == work_first_ ? suspect_times_ + 1 : 1;
      suspect_ = work_first_;
      suspect_why_ = error.line();
    }
  }
  work_first_ = work_last_ = 0;
}

net::Task<void> Watcher::back_off(const Error& error) {
  const bool person = needs_a_person(error.code);
  const bool slow = person || error.code == Errc::auth_throttled;
  milliseconds delay = (slow ? kSlow : kQuick).delay(attempt_, random_number());
  if (const auto asked = imap::asked_to_wait(error.server)) delay = std::max(delay, *asked);
  ++attempt_;
  const std::int64_t at = net::after(runtime_.clock().now_ns(), delay);
  {
    const std::lock_guard lock(mutex_);
    Error shown = error;
    shown.cure.clear();
    health_.last_error = shown.line();
    health_.cure = error.cure;
    health_.retry_at_ns = runtime_.services().clock.wall_ns() + delay.count() * 1'000'000;
  }
  runtime_.services().log.warn(
      "watching " + credential_id_ + " " + printable(mailbox_, 200) + ": " + error.line(),
      aoh::Json{{"retry_in_ms", static_cast<std::int64_t>(delay.count())}});
  say(person ? "failed" : "backoff");
  if (!stopping_) co_await alarm_.wait_until(at);
}

net::Task<void> Watcher::session() {
  if (attempt_ > 0) say("starting");
  const bool connected = co_await connect();
  if (!connected) co_return;
  no_idle_ = false;
  contact();
  bool unchanged = co_await begin();
  bool sure = true;
  while (!stopping_) {
    // What the server tells while we look is looked at before we wait: nothing falls between a search and
    // IDLE.
    bool found = false;
    for (int restless = 0; restless < 20 && !stopping_;) {
      const std::uint64_t changes = client_->mailbox().changes;
      bool some = false;
      if (!std::exchange(unchanged, false)) some = co_await catch_up();
      found = found || some;
      if (!some && client_->mailbox().changes == changes) break;
      restless = some ? 0 : restless + 1;  // what was found has moved the cursor: that has an end
    }
    if (!stopping_) cursor_->modseq = modseq_;
    contact();
    attempt_ = 0;
    if (stopping_) break;
    const bool anew = co_await token_is_new();
    if (anew || stopping_) break;
    // Looked for in vain: again soon, a few times, then the next renewal looks.
    hollow_ = found || (sure && hollow_ == 0) || hollow_ > kHollowMost ? 0 : hollow_ + 1;
    const std::uint32_t before = client_->mailbox().exists;
    news_ns_ = 0;
    co_await wait_for_news(hollow_ == 0);
    sure = client_->mailbox().exists <= before;
    news_ns_ = sure ? 0 : runtime_.clock().now_ns();
    contact();
  }
  co_await client_->logout();
}

// `sure`: nothing is outstanding. Otherwise the server told of a message that could not be found yet: look
// again soon.
net::Task<void> Watcher::wait_for_news(bool sure) {
  const milliseconds early{500ll << std::min(hollow_, kHollowMost)};
  if (client_->can_idle() && !no_idle_) {
    const milliseconds renew = times_.idle_renew;
    const std::int64_t until =
        std::min(net::after(runtime_.clock().now_ns(), !sure ? early : renew), token_ends_ns_);
    say("idle", until);
    idling_ = true;
    try {
      co_await client_->idle(until);
    } catch (const Failure& f) {
      if (is_fatal(f.error.code)) throw;
      // Offered and refused: this server is polled from here on.
      no_idle_ = true;
      runtime_.services().log.warn("watching " + credential_id_ + " " + printable(mailbox_, 200) +
                                   " by polling: " + f.error.line());
    }
    idling_ = false;
  } else {
    const milliseconds pause = !sure ? early : milliseconds(times_.poll_interval);
    const std::int64_t until = std::min(net::after(runtime_.clock().now_ns(), pause), token_ends_ns_);
    say("polling", until);
    co_await alarm_.wait_until(until);
    if (stopping_) co_return;
    if (status_keeps_) co_await client_->status(mailbox_);
    co_await client_->noop();
  }
}

}  // namespace mailroom::watch
