#include "outbox/worker.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "base/error_json.hpp"
#include "outbox/follow_up.hpp"
#include "outbox/schedule.hpp"

namespace mailroom::outbox {
namespace {

constexpr std::int64_t kLookAgain = 60 * kSecond;  // the wall clock may have been set meanwhile
constexpr std::int64_t kSweepEvery = 24 * 3600 * kSecond;
constexpr std::int64_t kSweepPause = kSecond / 20;
constexpr std::uint32_t kSweepPage =
    20;  // records read at a time: mailboxes are watched from the same thread
constexpr std::chrono::seconds kLastWords{20};

}  // namespace

Worker::Worker(Shared& shared, net::Executor executor)
    : shared_(shared), strand_(executor), alarm_(executor, shared.runtime.clock()) {}

std::shared_ptr<Worker> Worker::start(Shared& shared) {
  auto worker = std::make_shared<Worker>(shared, shared.runtime.strand());
  worker->running_ = 1;
  boost::asio::co_spawn(worker->strand_, worker->loop(), [worker](const std::exception_ptr& e) {
    if (e) worker->shared_.runtime.services().log.error("the outbox's worker ended with an exception");
    const std::lock_guard lock(worker->mutex_);
    --worker->running_;
    worker->changed_.notify_all();
  });
  return worker;
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
  if (known_.size() >= kMostDue) {
    more_ = true;
    return;
  }
  if (!known_.insert(due.id).second) return;
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
          add({id, entry->record.credential_id,
               entry->record.state == State::queued ? entry->record.next_attempt_unix_ns : 0});
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

// Starts what is due and has room; when to look again, Unix nanoseconds.
std::int64_t Worker::begin_due() {
  const std::int64_t now = shared_.runtime.services().clock.wall_ns();
  std::int64_t next = INT64_MAX;
  for (auto lane = lanes_.begin(); lane != lanes_.end();) {
    auto& [credential, l] = *lane;
    while (!l.due.empty() && l.due.begin()->first <= now && l.active < kPerCredential && active_ < kInAll) {
      Due due{l.due.begin()->second, credential, l.due.begin()->first};
      l.due.erase(l.due.begin());
      ++l.active;
      ++active_;
      spawn(std::move(due));
    }
    if (!l.due.empty() && l.active < kPerCredential && active_ < kInAll)
      next = std::min(next, l.due.begin()->first);
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
  const std::int64_t was = due.at_unix_ns;
  try {
    co_await look(due, executor);
  } catch (const std::exception& e) {
    shared_.runtime.services().log.warn("the outbox could not go on with a message",
                                        aoh::Json{{"outbox_id", due.id}, {"what", e.what()}});
    due.at_unix_ns = shared_.runtime.services().clock.wall_ns() + kLookAgain;
  }
  boost::asio::post(strand_, [self, due, was] {
    self->known_.erase(due.id);
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
  // A clock that was set back must not hold mail for as long as it had been wrong.
  const bool set_back = r.send_at_unix_ns == 0 && r.next_attempt_unix_ns > now + kGiveUp;
  if (r.state == State::queued && r.next_attempt_unix_ns > now && !set_back) {
    due.at_unix_ns = r.next_attempt_unix_ns;
    co_return;
  }
  const host::Account account = services.account(r.credential_id);
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
    if (!account.smtp)
      throw Failure(Errc::config, "the account has no SMTP server", "credential " + account.id);
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
