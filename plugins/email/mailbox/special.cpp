#include "mailbox/special.hpp"

#include <algorithm>

#include "imap/proto/ascii.hpp"
#include "mime/parse.hpp"

namespace mailroom::mailbox {
namespace {

constexpr std::size_t kMostOfOneId = 50;  // messages looked at that may carry one Message-ID, newest first
constexpr std::uint32_t kHeaderBytes = 8192;  // of the one field that is asked for

net::Task<std::optional<Error>> try_create(imap::Client& client, std::string name,
                                           std::optional<imap::Use> use) {
  try {
    co_await client.create(name, use);
  } catch (const Failure& f) {
    if (is_fatal(f.error.code)) throw;
    co_return f.error;
  }
  co_return std::nullopt;
}

net::Task<std::optional<imap::MessageRow>> flags_of(imap::Client& client, imap::Uid uid) {
  std::optional<imap::MessageRow> found;
  const imap::UidSet set = imap::UidSet::one(uid);
  const imap::FetchItems items;
  const imap::OnRow on_row = [&](imap::MessageRow&& row) {
    if (row.uid == uid) found = std::move(row);
  };
  co_await client.uid_fetch(set, items, on_row);
  co_return found;
}

bool is_deleted(const imap::MessageRow& row) {
  return row.flags && std::any_of(row.flags->begin(), row.flags->end(),
                                  [](const std::string& f) { return imap::same(f, "\\Deleted"); });
}

}  // namespace

net::Task<std::optional<std::string>> find_mailbox(imap::Client& client, imap::Use use) {
  const std::vector<imap::ListEntry> all = co_await client.list_with_uses();
  const imap::ListEntry* entry = imap::find_special(all, use);
  co_return entry ? std::optional(entry->name) : std::nullopt;
}

net::Task<std::string> special_mailbox(imap::Client& client, imap::Use use) {
  const std::vector<imap::ListEntry> all = co_await client.list_with_uses();
  if (const imap::ListEntry* entry = imap::find_special(all, use)) co_return entry->name;
  const std::string what(imap::name(use));
  if (use != imap::Use::drafts && use != imap::Use::sent)
    throw Failure(Errc::not_found, "the account has no mailbox for " + what, {},
                  "Create one in a mail program");
  Error refused;
  for (const std::string& name : imap::names_to_create(all, use)) {
    const std::optional<Error> error = co_await try_create(client, name, use);
    if (!error) co_return name;
    if (!refused) refused = *error;
  }
  // Somebody else may have made it meanwhile.
  const std::optional<std::string> now = co_await find_mailbox(client, use);
  if (now) co_return *now;
  refused.what = "the account has no mailbox for " + what + ", and " + refused.what;
  refused.cure = "Create it in a mail program";
  throw Failure(std::move(refused));
}

net::Task<std::string> find_or_make(imap::Client& client, std::string name) {
  if (imap::same(name, "INBOX")) co_return name;
  Error refused;
  for (const bool again : {false, true}) {
    const std::vector<imap::ListEntry> all = co_await client.list_with_uses();
    std::vector<std::string> names = imap::names_to_create(all, name);
    if (imap::same(std::string_view(name).substr(0, 5), "INBOX")) names = {name};  // as far down as it goes
    for (const std::string& n : names)
      if (std::any_of(all.begin(), all.end(), [&](const imap::ListEntry& e) {
            return e.name == n && !e.has("\\Noselect") && !e.has("\\NonExistent");
          }))
        co_return n;
    if (again) break;  // somebody else might have made it meanwhile
    for (const std::string& n : names) {
      const std::optional<Error> error = co_await try_create(client, n, std::nullopt);
      if (!error) co_return n;
      if (!refused) refused = *error;
    }
  }
  refused.where = printable(name, 200);
  refused.cure = "Create the mailbox in a mail program, or name another one";
  throw Failure(std::move(refused));
}

net::Task<imap::MailboxState> open_at(imap::Client& client, Place place, bool read_only) {
  const imap::MailboxState state = co_await client.select(place.mailbox, read_only);
  if (place.uid_validity != 0 && state.uid_validity != place.uid_validity)
    throw Failure(Errc::state,
                  "the mailbox numbers its messages anew (UIDVALIDITY is " +
                      std::to_string(state.uid_validity) + " now): the UID may be another message",
                  printable(place.mailbox, 200), "List its messages again");
  co_return state;
}

net::Task<std::vector<imap::Uid>> find_by_message_id(imap::Client& client, std::string mailbox,
                                                     std::string message_id) {
  co_await client.select(mailbox, true);
  imap::Criteria criteria;
  criteria.header("Message-ID", message_id);
  std::vector<imap::Uid> uids = co_await client.uid_search(criteria);
  if (uids.size() > kMostOfOneId) uids.erase(uids.begin(), uids.end() - kMostOfOneId);
  std::vector<imap::Uid> found;
  if (uids.empty()) co_return found;
  imap::FetchItems items;
  items.object_ids = false;
  items.sections = {{"HEADER.FIELDS (MESSAGE-ID)", kHeaderBytes, 0}};
  const imap::UidSet set = imap::UidSet::of(uids);
  Error unread;
  const imap::OnRow on_row = [&](imap::MessageRow&& row) {
    if (row.error && row.sections.empty()) unread = row.error;
    if (is_deleted(row) || row.sections.empty()) return;
    if (mime::parse_headers(row.sections.front().bytes).message_id == message_id) found.push_back(row.uid);
  };
  co_await client.uid_fetch(set, items, on_row);
  // It may be the very message: not to be taken for none.
  if (found.empty() && unread) {
    unread.code = Errc::unsupported;
    throw Failure(std::move(unread));
  }
  std::sort(found.begin(), found.end());
  co_return found;
}

net::Task<bool> exists(imap::Client& client, imap::Uid uid) {
  const std::optional<imap::MessageRow> row = co_await flags_of(client, uid);
  co_return row && !is_deleted(*row);
}

net::Task<Removal> remove_message(imap::Client& client, Place place) {
  const imap::MailboxState state = co_await open_at(client, place, false);
  if (state.read_only)
    throw Failure(Errc::refused, "the mailbox can only be read", printable(place.mailbox, 200),
                  "Give the account the right to delete in it");
  const std::optional<imap::MessageRow> row = co_await flags_of(client, place.uid);
  if (!row) co_return Removal::gone;
  const imap::UidSet one = imap::UidSet::one(place.uid);
  const std::vector<std::string> deleted{"\\Deleted"};
  co_await client.uid_store(one, imap::StoreMode::add, deleted);
  if (!client.can_expunge_alone()) co_return Removal::marked;
  co_await client.uid_expunge(one);
  co_return Removal::removed;
}

}  // namespace mailroom::mailbox
