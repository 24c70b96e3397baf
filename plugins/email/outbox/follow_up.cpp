#include "outbox/follow_up.hpp"

#include "base/error_json.hpp"
#include "host/providers.hpp"
#include "mailbox/sent.hpp"
#include "outbox/schedule.hpp"

namespace mailroom::outbox {

bool follows(const Record& record) {
  return record.state == State::sent && (record.sent_copy == SentCopy::pending || !record.then.is_null());
}

namespace {

net::Task<void> do_what_follows(Shared& shared, imap::Client& client, Record& r) {
  if (r.sent_copy == SentCopy::pending) {
    const std::string bytes = shared.store.bytes(r);
    const std::int64_t sent_s = r.updated_unix_ns / kSecond;
    co_await mailbox::append_sent(client, bytes, r.message_id, sent_s, r.copy_attempts > 1);
    r.sent_copy = SentCopy::done;
  }
  if (r.then.has("remove_draft"))
    co_await mailbox::remove_message(client, mailbox::place_from(r.then["remove_draft"]));
  r.then = {};
}

}  // namespace

net::Task<void> follow_up(Shared& shared, std::shared_ptr<host::Job> job, const host::Account& account,
                          Store::Entry& entry, std::string bearer, net::Executor executor) {
  Record& r = entry.record;
  if (!account.imap) {
    r.sent_copy = r.sent_copy == SentCopy::pending ? SentCopy::failed : r.sent_copy;
    r.then = {};
    shared.store.save(entry);
    co_return;
  }
  ++r.copy_attempts;
  // Written first: whoever comes after a crash knows that the copy may lie there already.
  shared.store.save(entry);
  try {
    using Session = std::unique_ptr<imap::Client>;
    const std::function<net::Task<Session>(host::SignIn)> connect = [&](host::SignIn in) {
      imap::Login login;
      login.endpoint = shared.runtime.services().imap_server(account, bearer);
      login.quirks = imap::Quirks::from(host::imap_quirks(account));
      login.credentials = std::move(in.credentials);
      return imap::Client::connect(executor, shared.runtime.net(), std::move(login),
                                   shared.runtime.trace("imap " + account.imap->where()));
    };
    const Session client =
        co_await host::with_sign_in<Session>(shared.runtime, executor, account, bearer, connect);
    const host::Job::Abortable abortable(*job, [&c = *client] { c.abort(); });
    job->check();
    co_await do_what_follows(shared, *client, r);
    co_await client->logout();
  } catch (const Failure& f) {
    if (f.error.code == Errc::cancelled) co_return;
    shared.runtime.services().log.warn(
        "what follows a sent message could not be done (its copy in Sent, its draft)",
        aoh::Json{{"outbox_id", r.id}, {"error", error_json(f.error)}});
    if (r.copy_attempts >= kCopyAttempts || !is_temporary(f.error.code)) {
      if (r.sent_copy == SentCopy::pending) r.sent_copy = SentCopy::failed;
      r.then = {};
    }
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
