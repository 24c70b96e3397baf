#include "outbox/follow_up.hpp"

#include "base/error_json.hpp"
#include "imap/client.hpp"

namespace mailroom::outbox {

bool follows(const Record& record) {
  return record.state == State::sent && record.sent_copy == SentCopy::pending;
}

net::Task<void> follow_up(Shared& shared, std::shared_ptr<host::Job> job, const host::Account& account,
                          Store::Entry& entry, std::string bearer, net::Executor executor) {
  Record& r = entry.record;
  ++r.copy_attempts;
  try {
    const std::string bytes = shared.store.bytes(r);
    imap::Login login;
    login.endpoint = *account.imap;
    login.credentials = shared.runtime.services().sign_in(account, bearer);
    const std::string where = login.endpoint.where();
    auto client = co_await imap::Client::connect(executor, shared.runtime.net(), std::move(login),
                                                 shared.runtime.trace("imap " + where));
    const host::Job::Abortable abortable(*job, [&c = *client] { c.abort(); });
    job->check();
    const std::vector<std::string> flags(1, "\\Seen");
    co_await client->append("Sent", flags, bytes);
    co_await client->logout();
    r.sent_copy = SentCopy::done;
  } catch (const Failure& f) {
    if (f.error.code == Errc::cancelled) co_return;
    shared.runtime.services().log.warn("the copy of a sent message did not reach the Sent mailbox",
                                       aoh::Json{{"outbox_id", r.id}, {"error", error_json(f.error)}});
    if (r.copy_attempts >= kCopyAttempts || !is_temporary(f.error.code)) r.sent_copy = SentCopy::failed;
  }
  shared.store.save(entry);
}

Record follow_up_in_call(Shared& shared, aoh::Call& call, const host::Account& account, const Record& record,
                         const std::string& bearer) {
  auto entry = shared.store.find(record.id);
  if (!entry) return record;
  auto job = std::make_shared<host::Job>(call.id());
  auto shared_entry = std::make_shared<Store::Entry>(std::move(*entry));
  shared.runtime.run<bool>(call, job, [&shared, job, account, shared_entry, bearer](net::Executor executor) {
    return [](Shared& s, std::shared_ptr<host::Job> j, host::Account a, std::shared_ptr<Store::Entry> e,
              std::string b, net::Executor x) -> net::Task<bool> {
      co_await follow_up(s, j, a, *e, b, x);
      co_return true;
    }(shared, job, account, shared_entry, bearer, std::move(executor));
  });
  return shared_entry->record;
}

}  // namespace mailroom::outbox
