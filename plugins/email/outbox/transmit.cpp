#include "outbox/transmit.hpp"

#include "base/error_json.hpp"
#include "host/random.hpp"
#include "host/suppressions.hpp"
#include "outbox/schedule.hpp"

namespace mailroom::outbox {
namespace {

// Writes the outcome. Meanwhile a person may have settled the record, taking it for a dead program's: what
// the server answered counts for more, and a message that was sent must not stand there as one to send.
void save_outcome(Shared& shared, Store::Entry& entry) {
  try {
    try {
      shared.store.save(entry);
    } catch (const Failure&) {
      const auto now = shared.store.find(entry.record.id);
      if (!now || now->version == entry.version) throw;
      entry.version = now->version;
      entry.record.keep_reports(now->record);
      shared.store.save(entry);
    }
  } catch (const std::exception& e) {
    // The truth is known now and told; the record still says `committing`, which never sends again. It is
    // written when the disk takes it.
    shared.store.keep_unsaved(entry);
    shared.runtime.services().log.error("the outbox record could not be written after sending",
                                        aoh::Json{{"outbox_id", entry.record.id}, {"what", e.what()}});
  }
}

bool asks_to_slow_down(const smtp::Outcome& o) {
  return o.code == 421 || (o.code >= 400 && o.code < 500 && o.enhanced.starts_with("4.7.")) ||
         (o.code >= 400 && o.code < 500 && o.enhanced == "4.3.2");
}

smtp::PoolLimits pool_limits(const host::Account& account) {
  smtp::PoolLimits out;
  if (account.limits.smtp_connections) out.connections = *account.limits.smtp_connections;
  return out;
}

class Transmission {
 public:
  Transmission(Shared& shared, Attempt& attempt, const host::Job& job)
      : shared_(shared), a_(attempt), job_(job), record_(a_.entry.record), was_(record_.state) {
    ++record_.attempts;
  }

  // A failure before the final dot: nothing was sent, the same bytes may go another time.
  void not_sent(const Error& e) {
    const bool given_up = job_.cancelled();
    if (given_up && was_ == State::queued) {
      record_.state = was_;  // the host ends; nothing has changed
      return;
    }
    record_.error = error_json(e);
    record_.state = State::failed;
    // A caller who gave up is told that it was not sent, and may ask again: it must not go by itself, too.
    if (shared_.resident && !given_up) wait_or_give_up(e.code);
    shared_.store.save(a_.entry);
  }

  // Nothing goes to a dead address, whenever the message was made. True when nobody is left.
  bool nobody_is_left() {
    const host::Services& services = shared_.runtime.services();
    bool refused = false;
    for (const std::string& to : record_.open_recipients())
      if (const auto s = host::is_suppressed(services, a_.account.id, to)) {
        const Error why = host::suppressed_error(*s);
        record_.refuse(to, why);
        record_.error = error_json(why);
        refused = true;
      }
    if (!refused || !record_.open_recipients().empty()) return false;
    shared_.store.save(a_.entry);
    return true;
  }

  void commit() {
    record_.state = State::committing;
    record_.why_queued.clear();
    shared_.store.save(a_.entry, {shared_.pacer.state(a_.account)});
    *a_.committed = true;
  }

  void settle(const smtp::Outcome& outcome) {
    record_.take(outcome);
    record_.error = outcome.error ? error_json(outcome.error) : aoh::Json();
    const bool delivered = outcome.state == smtp::Outcome::State::delivered;
    // A broadcast has its report; hundreds of copies would bury the mailbox.
    if (record_.state == State::sent && a_.account.imap && a_.account.append_sent &&
        record_.broadcast.empty())
      record_.sent_copy = SentCopy::pending;
    // Those who were refused for now get it later, from here: whoever asks again would send it to all.
    if (record_.state == State::failed && (delivered || shared_.resident))
      wait_or_give_up(delivered ? Errc::temporary : outcome.error.code);
    if (delivered)
      shared_.pacer.went_well(a_.account, a_.entry.record.to);
    else if (asks_to_slow_down(outcome))
      slow_down(outcome);
    save_outcome(shared_, a_.entry);
  }

 private:
  void wait_or_give_up(Errc cause) {
    after_failure(record_, cause, shared_.runtime.services().clock.wall_ns(), host::random_number());
  }
  void slow_down(const smtp::Outcome& outcome) {
    // Said to a recipient it is about that domain, else about the account.
    for (const smtp::RecipientOutcome& r : outcome.recipients)
      if (r.code == outcome.code) return shared_.pacer.slow_down(a_.account, domain_of(r.address));
    shared_.pacer.slow_down(a_.account, "");
  }

  Shared& shared_;
  Attempt& a_;
  const host::Job& job_;
  Record& record_;
  const State was_;
};

smtp::Envelope envelope_of(const Record& record, std::size_t size) {
  smtp::Envelope e;
  e.from = record.from;
  e.to = record.open_recipients();
  e.size = size;
  e.smtputf8 = record.smtputf8;
  e.require_tls = record.require_tls;
  // A report names the record that it is about, also where it brings nothing of the message back.
  e.dsn.envelope_id = record.id;
  e.dsn.content = smtp::Dsn::Return::headers;
  if (record.delivery_report) e.dsn.success = e.dsn.failure = e.dsn.delay = true;
  return e;
}

/// A signed-in connection of the pool. A connection is known by its token, too: after a renewal the old ones
/// are not used any more.
net::Task<smtp::Lease> lease_for(Shared& shared, std::shared_ptr<host::Job> job, host::Account account,
                                 std::string bearer, net::Executor executor) {
  const auto give_up = std::make_shared<smtp::GiveUp>();
  const host::Job::Abortable waiting(*job, [give_up] { give_up->now(); });
  const std::function<net::Task<smtp::Lease>(host::SignIn)> connect = [&](host::SignIn in) {
    job->check();
    smtp::LeaseRequest request;
    request.login.endpoint = shared.runtime.services().smtp_server(account, bearer);
    request.login.credentials = std::move(in.credentials);
    request.generation = std::move(in.generation);
    request.limits = pool_limits(account);
    request.trace = shared.runtime.trace("smtp " + request.login.endpoint.where());
    request.give_up = give_up;
    return shared.pool.lease(executor, std::move(request));
  };
  smtp::Lease lease =
      co_await host::with_sign_in<smtp::Lease>(shared.runtime, executor, account, bearer, connect);
  co_return std::move(lease);
}

}  // namespace

net::Task<std::uint64_t> ask_size(Shared& shared, std::shared_ptr<host::Job> job,
                                  std::shared_ptr<const host::Account> account, std::string bearer,
                                  net::Executor executor) {
  const smtp::Lease lease = co_await lease_for(shared, std::move(job), *account, std::move(bearer), executor);
  co_return lease.capabilities().max_size;
}

net::Task<Record> transmit(Shared& shared, std::shared_ptr<host::Job> job, Attempt attempt,
                           net::Executor executor) {
  Transmission transmission(shared, attempt, *job);
  std::string bytes;
  std::optional<smtp::Lease> lease;
  try {
    if (transmission.nobody_is_left()) co_return attempt.entry.record;
    bytes = shared.store.bytes(attempt.entry.record);
    lease.emplace(co_await lease_for(shared, job, attempt.account, attempt.bearer, executor));
    job->check();
  } catch (const Failure& f) {
    transmission.not_sent(f.error);
    if (attempt.entry.record.state == State::queued) co_return attempt.entry.record;
    throw;
  }
  const smtp::Envelope envelope = envelope_of(attempt.entry.record, bytes.size());
  auto abortable = std::make_unique<host::Job::Abortable>(*job, [&l = *lease] { l.abort(); });
  smtp::Outcome outcome;
  std::exception_ptr stopped;
  try {
    outcome = co_await lease->deliver(envelope, std::string_view(bytes), [&] {
      // From here on a cut makes an outcome that nobody knows: let the answer come, whoever waits for it.
      abortable.reset();
      job->check();
      transmission.commit();
    });
  } catch (const Failure& f) {
    stopped = std::current_exception();
    if (!*attempt.committed) transmission.not_sent(f.error);
  } catch (...) {
    stopped = std::current_exception();
  }
  abortable.reset();
  lease.reset();
  if (stopped) {
    if (attempt.entry.record.state == State::queued) co_return attempt.entry.record;
    std::rethrow_exception(stopped);
  }
  transmission.settle(outcome);
  co_return attempt.entry.record;
}

}  // namespace mailroom::outbox
