#include "mailbox/copies.hpp"

#include "mailbox/likeness.hpp"

namespace mailroom::mailbox {
namespace {

/// The number that the next message in `mailbox` will have at least. Leaves `from` selected.
net::Task<imap::Uid> next_uid(imap::Client& client, Place from, std::string mailbox) {
  const imap::StatusData status = co_await client.status(mailbox);
  if (status.uid_next && *status.uid_next > 0) co_return *status.uid_next;
  co_await client.select(mailbox, true);
  const imap::Criteria all;
  const std::vector<imap::Uid> uids = co_await client.uid_search(all);
  co_await open_at(client, from, false);
  co_return uids.empty() ? 1 : uids.back() + 1;
}

net::Task<void> look(imap::Client& client, Place from, imap::UidSet here, std::string to, imap::Uid since,
                     Copies& copies) {
  const LookFor what{};
  const Likenesses ours = co_await likenesses(client, here, what);
  const imap::MailboxState other = co_await client.select(to, true);
  copies.uid_validity = other.uid_validity;
  const imap::UidSet newer = imap::UidSet::from(since);
  Likenesses theirs = co_await likenesses(client, newer, what);
  const auto found = pairs(ours, std::move(theirs));  // one copy proves one message
  for (const auto& [our, their] : found) copies.uids[our] = their;
  co_await open_at(client, from, false);
}

}  // namespace

net::Task<Copies> copy_and_look(imap::Client& client, Place from, std::vector<imap::Uid> uids,
                                std::string to) {
  Copies copies;
  // Servers with UIDPLUS, too, may leave COPYUID out (RFC 4315 §3, UIDNOTSTICKY).
  const imap::Uid since = co_await next_uid(client, from, to);
  const imap::UidSet set = imap::UidSet::of(uids);
  imap::CopyResult result;
  try {
    result = co_await client.uid_copy(set, to);
  } catch (const Failure& f) {
    if (is_fatal(f.error.code)) throw;
    copies.error = f.error;
    copies.error.what += "; nothing was deleted";
    co_return copies;
  }
  if (result.uid_validity == 0) {
    co_await look(client, from, set, to, since, copies);
    co_return copies;
  }
  copies.uid_validity = result.uid_validity;
  for (const auto& [here, there] : result.uids) copies.uids[here] = there;
  co_return copies;
}

}  // namespace mailroom::mailbox
