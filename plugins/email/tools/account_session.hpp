// A tool's IMAP session and the message that its arguments name.
#pragma once
#include <memory>
#include <string>

#include "imap/client.hpp"
#include "read/reader.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// Connects and signs in on behalf of a call; `executor` is the calling coroutine's strand. Throws Failure
/// (config when the account has no IMAP server).
net::Task<std::unique_ptr<imap::Client>> open_session(host::Runtime& runtime, net::Executor executor,
                                                      host::Account account, std::string call_id);

/// Which message: mailbox and uid, or Message-ID.
struct Which {
  std::string mailbox = "INBOX";
  imap::Uid uid = 0;
  std::uint32_t uid_validity = 0;  ///< 0: not checked
  std::string message_id;          ///< without angle brackets
};
/// From the arguments mailbox, uid, uid_validity, message_id. Throws Failure(invalid) when neither uid nor
/// message_id is there.
Which which_message(const aoh::Json& args);

struct Located {
  imap::MessageRow head;  ///< fetched with read::head_items
  imap::MailboxState mailbox;
  std::size_t same_id = 1;  ///< messages that carry the Message-ID; the newest is taken
};
/// Opens the mailbox read-only and finds the message. Where uid_validity is no longer the mailbox's, that UID
/// may be another message now: the message is found again by its Message-ID, if there is one and just one
/// carries it. Throws Failure: not_found (says what was looked for), state for a renumbered mailbox
/// otherwise.
net::Task<Located> locate(imap::Client& client, Which which);

/// Connects, signs in, runs `work` with the session, logs out. Throws what the session or the work throws. A
/// cancelled job drops the connection.
template <typename T>
net::Task<T> with_session(host::Runtime& runtime, std::shared_ptr<host::Job> job, host::Account account,
                          std::function<net::Task<T>(imap::Client&)> work, net::Executor executor) {
  const std::unique_ptr<imap::Client> client =
      co_await open_session(runtime, executor, std::move(account), job->call_id());
  const host::Job::Abortable abortable(*job, [&c = *client] { c.abort(); });
  job->check();
  T result = co_await work(*client);
  co_await client->logout();
  co_return result;
}

/// The blocking form of it, for a tool's function.
template <typename T>
T imap_call(const Toolbox& box, aoh::Call& call, const host::Account& account,
            std::function<net::Task<T>(imap::Client&)> work) {
  auto job = std::make_shared<host::Job>(call.id());
  return box.runtime.run<T>(
      call, job, [&runtime = box.runtime, job, account, work = std::move(work)](net::Executor executor) {
        return with_session<T>(runtime, job, account, work, std::move(executor));
      });
}

}  // namespace mailroom::tools
