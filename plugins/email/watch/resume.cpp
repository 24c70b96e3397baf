// What is known from before: whether the mailbox has anything new at all, and messages that come again.
#include <algorithm>

#include "watch/batch.hpp"

namespace mailroom::watch {

// Opens the mailbox. True where QRESYNC (RFC 7162) shows that no message lies above the cursor, so that
// nothing needs to be searched: everything there came after `modseq`, and the server tells what of it came
// since. Only what lies above the cursor is asked for: other changes are none of ours. Two witnesses must
// agree; a server that is wrong in both is found out by the search at the next renewal of IDLE.
net::Task<bool> Watcher::open(imap::MailboxState& mailbox) {
  imap::Known known;
  if (cursor_ && cursor_->uid_validity != 0 && cursor_->last_uid < UINT32_MAX - 1 && !cursor_->before) {
    known.uid_validity = cursor_->uid_validity;
    known.modseq = cursor_->modseq;
    known.uids = imap::UidSet::range(cursor_->last_uid + 1, UINT32_MAX - 1);  // "*" may not stand here
  }
  const bool resume = known.modseq != 0 && client_->capabilities().has("QRESYNC") && !plain_select_;
  const imap::Uid last = resume ? cursor_->last_uid : 0;
  plain_select_ = resume;  // should the session break in it, the next one does without
  imap::Since since;
  bool told = false;
  if (resume) {
    try {
      mailbox = co_await client_->select(mailbox_, true, known, since);
      told = true;
      plain_select_ = false;
    } catch (const Failure& f) {
      if (is_fatal(f.error.code)) throw;  // else refused: asked plainly, which says why if it is the mailbox
    }
  }
  if (!told) mailbox = co_await client_->select(mailbox_, true);
  modseq_ = mailbox.highest_modseq.value_or(0);
  if (!told || since.renumbered || modseq_ < known.modseq) co_return false;
  const bool nothing = std::none_of(since.changed.begin(), since.changed.end(),
                                    [&](const imap::MessageRow& row) { return row.uid > last; });
  co_return nothing&& mailbox.uid_next&&* mailbox.uid_next <= last + 1;
}

// A message that was dealt with and comes under another UID, since somebody moved it away and back or stored
// it anew: no news, as long as the one that it was is gone. Where it is still there, the two are twins, and
// each counts.
net::Task<void> Watcher::know_again(Batch& batch, Cursor& next) {
  std::vector<imap::Uid> earlier;
  for (const auto& item : batch.items)
    if (!item.undecided.empty())
      for (const imap::Uid uid : next.known.uids_of(item.digest)) earlier.push_back(uid);
  if (earlier.empty()) co_return;
  std::sort(earlier.begin(), earlier.end());
  imap::Criteria those;
  those.uid(imap::UidSet::of(earlier));
  const std::vector<imap::Uid> there = co_await client_->uid_search(those);
  for (auto& item : batch.items) {
    if (item.undecided.empty()) continue;
    for (const imap::Uid uid : next.known.uids_of(item.digest)) {
      if (uid >= item.uid || std::binary_search(there.begin(), there.end(), uid)) continue;
      next.known.take(item.digest, uid);
      for (const std::size_t b : item.undecided)
        item.ignored_why[b] = "dealt with before, as UID " + std::to_string(uid) + ", which is gone";
      item.undecided.clear();
      item.report = false;
      break;
    }
  }
}

}  // namespace mailroom::watch
