#include "mailbox/relocate.hpp"

#include <algorithm>
#include <set>

#include "imap/proto/ascii.hpp"
#include "mailbox/copies.hpp"
#include "mailbox/earlier.hpp"

namespace mailroom::mailbox {
namespace {

using Uids = std::vector<imap::Uid>;

net::Task<void> open_for_change(imap::Client& client, Place from) {
  const imap::MailboxState state = co_await open_at(client, from, false);
  if (state.read_only)
    throw Failure(Errc::refused, "the mailbox can only be read", printable(from.mailbox, 200),
                  "Give the account the right to change it");
}

/// Those of `uids` that are there.
net::Task<std::set<imap::Uid>> there(imap::Client& client, Uids uids) {
  std::set<imap::Uid> found;
  if (uids.empty()) co_return found;
  const imap::UidSet set = imap::UidSet::of(uids);
  imap::Criteria criteria;
  criteria.uid(set);
  try {
    const Uids now = co_await client.uid_search(criteria);
    for (const imap::Uid uid : now)
      if (set.contains(uid)) found.insert(uid);
    co_return found;
  } catch (const Failure& f) {
    if (is_fatal(f.error.code)) throw;
  }
  // Quirk: Tencent refuses some forms of UID SEARCH.
  imap::FetchItems items;
  items.object_ids = false;
  const imap::OnRow on_row = [&](imap::MessageRow&& row) { found.insert(row.uid); };
  co_await client.uid_fetch(set, items, on_row);
  co_return found;
}

std::vector<Fared> all_gone(const Uids& uids) {
  std::vector<Fared> out;
  for (const imap::Uid uid : uids) out.push_back({uid, Fate::gone, {}, {}});
  return out;
}

Uids those(const std::vector<Fared>& fared, Fate fate) {
  Uids out;
  for (const Fared& f : fared)
    if (f.fate == fate) out.push_back(f.uid);
  return out;
}

void check_other(const Place& from, const std::string& to) {
  const bool inbox = imap::same(from.mailbox, "INBOX") && imap::same(to, "INBOX");
  if (from.mailbox == to || inbox)
    throw Failure(Errc::invalid, "the messages lie in that mailbox already", printable(to, 200),
                  "Name another mailbox");
}

net::Task<void> mark_and_expunge(imap::Client& client, std::vector<Fared>& fared, Fate wanted, Fate done) {
  const Uids uids = those(fared, wanted);
  if (uids.empty()) co_return;
  const imap::UidSet set = imap::UidSet::of(uids);
  const std::vector<std::string> deleted{"\\Deleted"};
  Error error;
  bool marked = false;
  try {
    co_await client.uid_store(set, imap::StoreMode::add, deleted);
    marked = true;
    if (client.can_expunge_alone()) co_await client.uid_expunge(set);
  } catch (const Failure& f) {
    if (is_fatal(f.error.code)) throw;
    error = f.error;
  }
  const std::set<imap::Uid> still = co_await there(client, uids);
  for (Fared& f : fared) {
    if (f.fate != wanted) continue;
    if (!still.contains(f.uid)) {
      f.fate = done;
      continue;
    }
    if (marked) f.fate = Fate::marked;
    f.error = error;
  }
}

}  // namespace

std::string_view name(Fate fate) {
  static constexpr std::string_view kNames[] = {"copied", "moved", "removed", "marked", "gone", "kept"};
  return kNames[static_cast<int>(fate)];
}

namespace {

/// `again`: what an earlier move has copied already is taken for the copy.
net::Task<std::vector<Fared>> copy(imap::Client& client, Place from, Uids uids, std::string to, bool again) {
  const std::set<imap::Uid> here = co_await there(client, uids);
  std::vector<Fared> fared = all_gone(uids);
  Uids present(here.begin(), here.end());
  if (present.empty()) co_return fared;
  Copies copies;
  if (again) copies = co_await earlier_copies(client, from, present, to);
  std::erase_if(present, [&](imap::Uid uid) { return copies.uids.contains(uid); });
  if (!present.empty()) {
    Copies made = co_await copy_and_look(client, from, present, to);
    made.uids.merge(copies.uids);
    if (made.uid_validity == 0) made.uid_validity = copies.uid_validity;  // where the rest was refused
    copies = std::move(made);
  }
  for (Fared& f : fared) {
    if (!here.contains(f.uid)) continue;
    const auto it = copies.uids.find(f.uid);
    if (it != copies.uids.end()) {
      f.fate = Fate::copied;
      f.there = {to, copies.uid_validity, it->second};
    } else {
      f.fate = Fate::kept;
      f.error = copies.error ? copies.error
                             : Error{Errc::refused,
                                     "the copy could not be found in the other mailbox",
                                     printable(to, 200),
                                     {},
                                     "Look there before trying again"};
    }
  }
  co_return fared;
}

}  // namespace

net::Task<std::vector<Fared>> copy_messages(imap::Client& client, Place from, Uids uids, std::string to) {
  check_other(from, to);
  co_await open_at(client, from, false);
  co_return co_await copy(client, from, std::move(uids), std::move(to), false);
}

net::Task<std::vector<Fared>> move_messages(imap::Client& client, Place from, Uids uids, std::string to) {
  check_other(from, to);
  co_await open_for_change(client, from);
  if (!client.can_move()) {
    std::vector<Fared> fared = co_await copy(client, from, std::move(uids), std::move(to), true);
    co_await mark_and_expunge(client, fared, Fate::copied, Fate::moved);
    co_return fared;
  }
  const std::set<imap::Uid> here = co_await there(client, uids);
  std::vector<Fared> fared = all_gone(uids);
  const Uids present(here.begin(), here.end());
  if (present.empty()) co_return fared;
  const imap::UidSet set = imap::UidSet::of(present);
  imap::CopyResult result;
  Error error;
  try {
    co_await client.uid_move(set, to, result);
  } catch (const Failure& f) {
    if (is_fatal(f.error.code)) throw;
    error = f.error;
  }
  const std::set<imap::Uid> still = co_await there(client, present);
  for (Fared& f : fared) {
    if (!here.contains(f.uid)) continue;
    if (!still.contains(f.uid)) {
      f.fate = Fate::moved;
      f.there = {to, result.uid_validity, result.there(f.uid)};
    } else {
      f.fate = Fate::kept;
      f.error = error ? error : Error{Errc::refused, "the server left the message where it was", {}, {}, {}};
    }
  }
  co_return fared;
}

net::Task<std::vector<Fared>> remove_messages(imap::Client& client, Place from, Uids uids) {
  co_await open_for_change(client, from);
  const std::set<imap::Uid> here = co_await there(client, uids);
  std::vector<Fared> fared = all_gone(uids);
  for (Fared& f : fared)
    if (here.contains(f.uid)) f.fate = Fate::kept;
  co_await mark_and_expunge(client, fared, Fate::kept, Fate::removed);
  co_return fared;
}

}  // namespace mailroom::mailbox
