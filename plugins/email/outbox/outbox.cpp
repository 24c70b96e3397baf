#include "outbox/outbox.hpp"

#include "outbox/follow_up.hpp"
#include "outbox/schedule.hpp"
#include "outbox/worker.hpp"

namespace mailroom::outbox {

Outbox::Outbox(host::Runtime& runtime) : shared_(std::make_unique<Shared>(runtime)) {}
Outbox::~Outbox() { stop(); }

void Outbox::start() {
  if (shared_->resident) return;
  worker_ = std::make_shared<Worker>(*shared_, shared_->runtime.strand());
  shared_->resident = true;  // from here on calls use worker_, which reads what is due after this
  worker_->start();
}

void Outbox::stop() {
  if (worker_) worker_->stop();
  // Its alarm must not outlive the Asio context, which goes before this object; no call is open any more.
  shared_->resident = false;
  worker_.reset();
  shared_->pool.shutdown();
}

void Outbox::wake(const Record& record, std::int64_t at_unix_ns) {
  if (shared_->resident) worker_->wake({record.id, record.credential_id, at_unix_ns});
}

// True when the message may go now; false when it was queued for later.
bool Outbox::paced(aoh::Call& call, Attempt& attempt) {
  host::Runtime& runtime = shared_->runtime;
  std::int64_t patience = kPatienceMs;
  for (;;) {
    const Pacer::Answer pace = shared_->pacer.take(attempt.account, attempt.entry.record.to);
    if (pace.wait_ms == 0) return true;
    if (shared_->resident) {
      Record& r = attempt.entry.record;
      r.state = State::queued;
      r.why_queued = "pace: " + pace.why;
      r.next_attempt_unix_ns = runtime.services().clock.wall_ns() + pace.wait_ms * 1'000'000;
      shared_->store.save(attempt.entry);
      return false;
    }
    if (pace.wait_ms > patience)
      throw Failure(Errc::temporary,
                    "the account sends at its pace (" + pace.why + "); the next message may go in " +
                        std::to_string((pace.wait_ms + 999) / 1000) + " s",
                    "credential " + attempt.account.id,
                    "Call again then, or let host-stub run send it by itself");
    call.progress(1, 3, "waiting for the account's pace: " + pace.why);
    patience -= pace.wait_ms;
    runtime.pause(call, std::chrono::milliseconds(pace.wait_ms));
  }
}

Record Outbox::deliver(aoh::Call& call, Attempt attempt) {
  if (!paced(call, attempt)) {
    wake(attempt.entry.record, attempt.entry.record.next_attempt_unix_ns);
    return attempt.entry.record;
  }
  auto job = std::make_shared<host::Job>(call.id());
  // std::function wants a copyable closure; the attempt is used once.
  auto once = std::make_shared<Attempt>(std::move(attempt));
  const host::Account account = once->account;
  const std::string bearer = once->bearer;
  Record record = shared_->runtime.run<Record>(call, job, [&s = *shared_, job, once](net::Executor executor) {
    return transmit(s, job, std::move(*once), std::move(executor));
  });
  if (record.state == State::queued)
    wake(record, record.next_attempt_unix_ns);
  else if (shared_->store.has_unsaved(record.id))
    wake(record, 0);
  if (!follows(record)) return record;
  if (shared_->resident) {
    wake(record, 0);
    return record;
  }
  try {
    return follow_up_in_call(*shared_, call, account, record, bearer);
  } catch (const std::exception& e) {  // the message was sent, whatever became of its copy
    shared_->runtime.services().log.warn("what follows a sent message could not be done",
                                         aoh::Json{{"outbox_id", record.id}, {"what", e.what()}});
    return record;
  }
}

std::uint64_t Outbox::server_size(aoh::Call& call, const host::Account& account) {
  const std::string key = account.id + " " + account.smtp->where();
  {
    const std::lock_guard lock(shared_->sizes_mutex);
    if (const auto known = shared_->sizes.find(key); known != shared_->sizes.end()) return known->second;
  }
  auto job = std::make_shared<host::Job>(call.id());
  auto shared_account = std::make_shared<const host::Account>(account);
  const std::uint64_t size = shared_->runtime.run<std::uint64_t>(
      call, job, [&s = *shared_, job, shared_account, bearer = call.id()](net::Executor executor) {
        return ask_size(s, job, shared_account, bearer, std::move(executor));
      });
  const std::lock_guard lock(shared_->sizes_mutex);
  return shared_->sizes[key] = size;
}

}  // namespace mailroom::outbox
