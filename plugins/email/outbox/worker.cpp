#include "outbox/worker.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <optional>
#include <utility>

#include "base/error_json.hpp"
#include "host/random.hpp"
#include "outbox/follow_up.hpp"
#include "outbox/schedule.hpp"

namespace mailroom::outbox {
namespace {

constexpr std::int64_t kLookAgain = 60 * kSecond;  // the wall clock may have been set meanwhile
constexpr std::int64_t kSweepEvery = 24 * 3600 * kSecond;
constexpr std::int64_t kSweepPause = kSecond / 20;
constexpr std::uint32_t kSweepPage =
    20;  // records read at a time: mailboxes are watched from the same thread
constexpr std::chrono::seconds kLastWords{4};

std::int64_t due_at(const Record& r, std::int64_t now) {
  return r.state == State::queued && !waits_by_old_clock(r, now) ? r.next_attempt_unix_ns : 0;
}

}  // namespace

Worker::Worker(Shared& shared, net::Executor executor)
    : shared_(shared), strand_(executor), alarm_(executor, shared.runtime.clock()) {}

void Worker::start() {
  const auto worker = shared_from_this();
  {
    const std::lock_guard lock(mutex_);
    running_ = 1;
  }
  boost::asio::co_spawn(worker->strand_, worker->loop(), [worker](const std::exception_ptr& e) {
    if (e) worker->shared_.runtime.services().log.error("the outbox's worker ended with an exception");
    const std::lock_guard lock(worker->mutex_);
    --worker->running_;
    worker->changed_.notify_all();
  });
}

void Worker::wake(Due due) {
  boost::asio::post(strand_, [self = shared_from_this(), due = std::move(due)]() mutable {
    self->add(std::move(due));
    self->alarm_.poke();
  });
}

void Worker::stop() {
  std::set<std::shared_ptr<host::Job>> jobs;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs = jobs_;
  }
  for (const auto& job : jobs) job->cancel(Errc::cancelled);
  boost::asio::post(strand_, [self = shared_from_this()] { self->alarm_.poke(); });
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kLastWords, [&] { return running_ == 0; });
}

void Worker::add(Due due) {
  if (const auto known = known_.find(due.id); known != known_.end()) {
    if (due.at_unix_ns >= known->second.at_unix_ns) return;
    const std::int64_t before = std::exchange(known->second.at_unix_ns, due.at_unix_ns);
    if (known->second.under_way) return;
    auto& waiting = lanes_[due.credential].due;
    const auto [first, last] = waiting.equal_range(before);
    const auto it = std::find_if(first, last, [&](const auto& row) { return row.second == due.id; });
    if (it != last) waiting.erase(it);
    waiting.emplace(due.at_unix_ns, due.id);
    return;
  }
  if (known_.size() >= kMostDue) {
    more_ = true;
    return;
  }
  known_.emplace(due.id, Known{due.at_unix_ns, false});
  lanes_[due.credential].due.emplace(due.at_unix_ns, due.id);
}

void Worker::load() {
  more_ = false;
  std::string after;
  const host::Services& services = shared_.runtime.services();
  for (;;) {
    const std::vector<std::string> ids = shared_.store.due(after);
    for (const std::string& id : ids) {
      after = id;
      if (known_.contains(id)) continue;
      try {
        const auto entry = shared_.store.find(id);
        if (entry)
          add({id, entry->record.credential_id, due_at(entry->record, services.clock.wall_ns())});
        else
          shared_.store.drop_due(id);
      } catch (const std::exception& e) {
        services.log.error("an outbox record cannot be read",
                           aoh::Json{{"outbox_id", id}, {"what", e.what()}});
      }
    }
    if (ids.empty() || more_) return;
  }
}

bool Worker::has_room(const Lane& lane) const {
  return lane.active < kPerCredential && (active_ < kInAll || (lane.active == 0 && active_ < kAtMost));
}

// The wall clock was set back: each is looked at, and says itself when it is due.
void Worker::all_due(std::int64_t now) {
  for (auto& [credential, lane] : lanes_) {
    std::multimap<std::int64_t, std::string> due;
    for (auto& [at, id] : lane.due) {
      const std::int64_t soon = std::min(at, now);
      known_[id].at_unix_ns = soon;
      due.emplace(soon, std::move(id));
    }
    lane.due = std::move(due);
  }
}

// Starts what is due and has room; when to look again, Unix nanoseconds.
std::int64_t Worker::begin_due() {
  const std::int64_t now = shared_.runtime.services().clock.wall_ns();
  if (now + kSecond < looked_at_ns_) all_due(now);
  looked_at_ns_ = now;
  std::int64_t next = INT64_MAX;
  for (auto lane = lanes_.begin(); lane != lanes_.end();) {
    auto& [credential, l] = *lane;
    while (!l.due.empty() && l.due.begin()->first <= now && has_room(l)) {
      Due due{l.due.begin()->second, credential, l.due.begin()->first};
      l.due.erase(l.due.begin());
      known_[due.id] = {INT64_MAX, true};
      ++l.active;
      ++active_;
      spawn(std::move(due));
    }
    if (!l.due.empty() && has_room(l)) next = std::min(next, l.due.begin()->first);
    lane = l.due.empty() && l.active == 0 ? lanes_.erase(lane) : std::next(lane);
  }
  return next;
}

// A page of the daily look for what has expired; true when there is more.
bool Worker::sweep() {
  const std::int64_t now = shared_.runtime.services().clock.wall_ns();
  if (now < sweep_at_) return false;
  try {
    swept_ = shared_.store.expire(swept_, kSweepPage);
  } catch (const std::exception& e) {
    shared_.runtime.services().log.warn("the outbox could not be tidied", aoh::Json{{"what", e.what()}});
    swept_.clear();
  }
  if (swept_.empty()) sweep_at_ = now + kSweepEvery;
  return !swept_.empty();
}

net::Task<void> Worker::loop() {
  const host::Services& services = shared_.runtime.services();
  load();
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) co_return;
    }
    if (more_ && known_.size() < kMostDue / 2) load();
    const std::int64_t next = begin_due();
    const bool more_to_sweep = sweep();
    const std::int64_t now = services.clock.wall_ns();
    std::int64_t wait = next == INT64_MAX ? kLookAgain : std::min(next - now, kLookAgain);
    if (more_to_sweep) wait = std::min(wait, kSweepPause);
    co_await alarm_.wait_until(shared_.runtime.clock().now_ns() + std::max<std::int64_t>(wait, 0));
  }
}

void Worker::spawn(Due due) {
  {
    const std::lock_guard lock(mutex_);
    ++running_;
  }
  const net::Executor executor = shared_.runtime.strand();
  boost::asio::co_spawn(executor, work(std::move(due), executor), boost::asio::detached);
}

net::Task<void> Worker::work(Due due, net::Executor executor) {
  const auto self = shared_from_this();
  try {
    co_await look(due, executor);
  } catch (const std::exception& e) {
    shared_.runtime.services().log.warn("the outbox could not go on with a message",
                                        aoh::Json{{"outbox_id", due.id}, {"what", e.what()}});
    due.at_unix_ns = shared_.runtime.services().clock.wall_ns() + kLookAgain;
  }
  boost::asio::post(strand_, [self, due]() mutable {
    // Whoever woke it meanwhile may have come too late for the look that has ended.
    if (const auto known = self->known_.find(due.id); known != self->known_.end()) {
      due.at_unix_ns = std::min(due.at_unix_ns, known->second.at_unix_ns);
      self->known_.erase(known);
    }
    if (due.at_unix_ns != INT64_MAX) self->add(due);
    if (const auto lane = self->lanes_.find(due.credential); lane != self->lanes_.end())
      --lane->second.active;
    --self->active_;
    self->alarm_.poke();
    const std::lock_guard lock(self->mutex_);
    --self->running_;
    self->changed_.notify_all();
  });
}

// The account was removed, or its record is broken: a person may mend that, so it is tried as after any other
// failure for now, and given up like it.
void Worker::on_unreadable_account(Store::Entry& entry, const Failure& why, Due& due) {
  const host::Services& services = shared_.runtime.services();
  const std::int64_t now = services.clock.wall_ns();
  Record& r = entry.record;
  if (r.state == State::queued) {
    ++r.attempts;
    r.error = error_json(why.error);
    after_failure(r, Errc::temporary, now, host::random_number());
    due.at_unix_ns = r.state == State::queued ? r.next_attempt_unix_ns : INT64_MAX;
  } else if (++r.copy_attempts >= kCopyAttempts) {
    if (r.sent_copy == SentCopy::pending) r.sent_copy = SentCopy::failed;
    r.then = {};
    due.at_unix_ns = INT64_MAX;
  } else {
    due.at_unix_ns = now + retry_delay(r.copy_attempts, 0);
  }
  shared_.store.save(entry);
  services.log.warn("the account of a message of the outbox cannot be used",
                    aoh::Json{{"outbox_id", r.id}, {"what", why.error.line()}});
}

// Does what the record asks for; leaves in `due.at_unix_ns` when to look again (INT64_MAX: never).
net::Task<void> Worker::look(Due& due, net::Executor executor) {
  const host::Services& services = shared_.runtime.services();
  const std::int64_t now = services.clock.wall_ns();
  due.at_unix_ns = now + kSecond;
  auto claim = shared_.store.claim(due.id);
  if (!claim) co_return;  // a call works on it
  auto entry = shared_.store.find(due.id);
  due.at_unix_ns = INT64_MAX;
  if (!entry) co_return shared_.store.drop_due(due.id);
  if (entry->unsaved) shared_.store.save(*entry);
  Record& r = entry->record;
  if (r.state == State::committing) {
    // Nobody holds the claim, so whoever wrote that is dead.
    r.state = State::uncertain;
    shared_.store.save(*entry);
    services.log.warn("it is not known whether a message was sent before the host ended: a person must look",
                      aoh::Json{{"outbox_id", r.id}, {"message_id", r.message_id}});
    co_return;
  }
  if (r.state != State::queued && !follows(r)) co_return shared_.store.drop_due(due.id);
  if (r.state == State::queued && r.next_attempt_unix_ns > now && !waits_by_old_clock(r, now)) {
    due.at_unix_ns = r.next_attempt_unix_ns;
    co_return;
  }
  if (r.state == State::queued && shared_.store.held(r)) {
    shared_.store.withdraw(r.id);
    co_return;
  }
  std::optional<host::Account> found;
  try {
    found = services.account(r.credential_id);
    if (r.state == State::queued && !found->smtp)
      throw Failure(Errc::config, "the account has no SMTP server", "credential " + found->id);
  } catch (const Failure& f) {
    on_unreadable_account(*entry, f, due);
    co_return;
  }
  const host::Account account = std::move(*found);
  auto job = std::make_shared<host::Job>("outbox:" + r.id);
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) co_return;
    jobs_.insert(job);
  }
  struct Forget {
    Worker& w;
    std::shared_ptr<host::Job> job;
    ~Forget() {
      const std::lock_guard lock(w.mutex_);
      w.jobs_.erase(job);
    }
  } forget{*this, job};
  if (r.state == State::queued) {
    const Pacer::Answer pace = shared_.pacer.take(account, r.open_recipients());
    if (pace.wait_ms > 0) {
      due.at_unix_ns = now + pace.wait_ms * 1'000'000;
      co_return;
    }
    Attempt attempt{account, std::move(*entry), claim, "outbox:" + due.id};
    std::string failed;
    try {
      const Record done = co_await transmit(shared_, job, std::move(attempt), executor);
      if (done.state == State::queued) due.at_unix_ns = done.next_attempt_unix_ns;
      if (done.state != State::sent && done.state != State::queued) failed = done.error["what"].str();
      if (follows(done)) due.at_unix_ns = 0;
      if (shared_.store.has_unsaved(due.id)) due.at_unix_ns = now + kLookAgain;
    } catch (const Failure& f) {
      if (f.error.code == Errc::cancelled) co_return;
      failed = f.error.line();
    }
    if (!failed.empty())
      services.log.warn("a message of the outbox was not sent",
                        aoh::Json{{"outbox_id", due.id}, {"what", failed}});
    co_return;
  }
  co_await follow_up(shared_, job, account, *entry, "outbox:" + due.id, executor);
  if (follows(entry->record)) due.at_unix_ns = now + retry_delay(entry->record.copy_attempts, 0);
}

}  // namespace mailroom::outbox
