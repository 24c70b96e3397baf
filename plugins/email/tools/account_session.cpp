#include "tools/account_session.hpp"

#include "host/providers.hpp"
#include "mime/ascii.hpp"
#include "mime/parse.hpp"
#include "tools/plain_words.hpp"

namespace mailroom::tools {

net::Task<std::unique_ptr<imap::Client>> open_session(host::Runtime& runtime, net::Executor executor,
                                                      host::Account account, std::string call_id) {
  using Session = std::unique_ptr<imap::Client>;
  if (!account.imap)
    throw Failure(Errc::config, "the account has no IMAP server", "credential " + account.id + ": imap",
                  "Add it with host-stub credential add");
  const std::function<net::Task<Session>(host::SignIn)> connect = [&](host::SignIn in) {
    imap::Login login;
    login.endpoint = runtime.services().imap_server(account, call_id);
    login.quirks = imap::Quirks::from(host::imap_quirks(account));
    login.credentials = std::move(in.credentials);
    return imap::Client::connect(executor, runtime.net(), std::move(login),
                                 runtime.trace("imap " + account.imap->where()));
  };
  Session session = co_await host::with_sign_in<Session>(runtime, executor, account, call_id, connect);
  co_return std::move(session);
}

Which which_message(const aoh::Json& args) {
  need_plain_words({{"mailbox", args["mailbox"]}, {"message_id", args["message_id"]}});
  Which w;
  w.mailbox = args["mailbox"].str_or("INBOX");
  const std::int64_t uid = args["uid"].integer();
  if (uid < 0 || uid > UINT32_MAX) throw Failure(Errc::invalid, "uid is out of range", "uid");
  w.uid = static_cast<imap::Uid>(uid);
  w.uid_validity = static_cast<std::uint32_t>(args["uid_validity"].integer());
  std::string_view id = mime::trim(args["message_id"].str());
  if (id.starts_with('<')) id.remove_prefix(1);
  if (id.ends_with('>')) id.remove_suffix(1);
  w.message_id = std::string(id);
  if (w.uid == 0 && w.message_id.empty())
    throw Failure(Errc::invalid, "no message was named", "uid",
                  "Give uid (with uid_validity), or message_id");
  return w;
}

net::Task<Located> locate(imap::Client& client, Which which) {
  Located found;
  found.mailbox = co_await client.select(which.mailbox, true);
  const std::string where = printable(which.mailbox, 200);
  const bool renumbered =
      which.uid_validity != 0 && which.uid != 0 && found.mailbox.uid_validity != which.uid_validity;
  const Error renumbered_error{Errc::state,
                               "the mailbox numbers its messages anew (UIDVALIDITY is " +
                                   std::to_string(found.mailbox.uid_validity) +
                                   " now): the UID may be another message",
                               where,
                               {},
                               "Name the message by its message_id"};
  if (renumbered) {
    if (which.message_id.empty()) throw Failure(renumbered_error);
    which.uid = 0;
  }
  std::vector<imap::Uid> uids;
  if (which.uid != 0) {
    uids.push_back(which.uid);
  } else {
    imap::Criteria criteria;
    criteria.header("Message-ID", which.message_id);
    uids = co_await client.uid_search(criteria);
    constexpr std::size_t kMost = 50;  // newest first; substring matches are weeded out below
    if (uids.size() > kMost) uids.erase(uids.begin(), uids.end() - kMost);
  }
  const imap::FetchItems items = read::head_items(client);
  std::optional<imap::MessageRow> best;
  found.same_id = 0;
  for (auto it = uids.rbegin(); it != uids.rend(); ++it) {
    std::optional<imap::MessageRow> row = co_await read::fetch_one(client, *it, items);
    if (!row) continue;
    if (!which.message_id.empty()) {
      const imap::Section* header = row->section("HEADER");
      const mime::Message m = mime::parse_headers(header ? header->bytes : std::string());
      if (m.message_id != which.message_id) continue;  // SEARCH HEADER finds substrings (RFC 3501 §6.4.4)
    }
    ++found.same_id;
    if (!best) best = std::move(row);
  }
  if (!best)
    throw Failure(Errc::not_found,
                  which.uid != 0
                      ? "there is no message with UID " + std::to_string(which.uid)
                      : "there is no message with Message-ID <" + printable(which.message_id, 200) + ">",
                  where, "It may have been moved or deleted; name its mailbox");
  if (renumbered && found.same_id > 1) {  // a stranger may have sent one with the same Message-ID
    Error several = renumbered_error;
    several.what += ", and " + std::to_string(found.same_id) + " messages carry its Message-ID";
    several.cure = "Look for it with email_search, and name its UID and UIDVALIDITY of now";
    throw Failure(std::move(several));
  }
  found.head = std::move(*best);
  co_return found;
}

}  // namespace mailroom::tools
