// Looking for a conversation's messages, mailbox by mailbox.
#include <algorithm>
#include <set>

#include "imap/proto/ascii.hpp"
#include "imap/proto/special_use.hpp"
#include "mime/ascii.hpp"
#include "mime/thread.hpp"
#include "read/conversation.hpp"

namespace mailroom::read {
namespace {

constexpr std::size_t kMostLooked = 300;  // messages of one mailbox
constexpr std::size_t kIdsAtOnce = 8;     // in one search: three keys each, and lines must stay short
constexpr int kRounds = 4;                // searches for ids that the last one brought up
constexpr std::size_t kLongId = 300;      // longer ones are not searched for

using Uids = std::set<imap::Uid>;

void add_ids(const mime::Message& m, std::vector<std::string>& ids) {
  const auto add = [&](const std::string& id) {
    if (!id.empty() && id.size() <= kLongId && mime::is_ascii(id) &&
        std::find(ids.begin(), ids.end(), id) == ids.end())
      ids.push_back(id);
  };
  if (m.message_id) add(*m.message_id);
  if (!m.references.empty()) add(m.references.front());  // the root is in everybody's
  for (const std::string& id : m.in_reply_to) add(id);
  for (const std::string& id : m.references) add(id);
}

imap::Criteria naming(const std::string& id) {
  imap::Criteria own, references, reply;
  own.header("Message-ID", id);
  references.header("References", id);
  reply.header("In-Reply-To", id);
  return imap::Criteria().either(own, imap::Criteria().either(references, reply));
}

/// Everything that names one of ids[from..).
imap::Criteria naming_any(const std::vector<std::string>& ids, std::size_t from) {
  imap::Criteria any = naming(ids[from]);
  for (std::size_t i = from + 1; i < ids.size() && i < from + kIdsAtOnce; ++i)
    any = imap::Criteria().either(naming(ids[i]), any);
  return any;
}

/// A search that a server may refuse without harm: what it finds are candidates.
net::Task<std::vector<imap::Uid>> try_search(imap::Client& client, imap::Criteria criteria) {
  try {
    co_return co_await client.uid_search(criteria);
  } catch (const Failure& f) {
    if (is_fatal(f.error.code) || is_temporary(f.error.code)) throw;
  }
  co_return std::vector<imap::Uid>();
}

net::Task<std::vector<imap::Uid>> thread_candidates(imap::Client& client, imap::Criteria criteria,
                                                    Uids known) {
  std::vector<imap::Uid> out;
  try {
    const std::vector<std::vector<imap::Uid>> threads = co_await client.uid_thread(criteria);
    for (const std::vector<imap::Uid>& t : threads)
      if (std::any_of(t.begin(), t.end(), [&](imap::Uid uid) { return known.contains(uid); }))
        out.insert(out.end(), t.begin(), t.end());
  } catch (const Failure& f) {
    if (is_fatal(f.error.code) || is_temporary(f.error.code)) throw;
  }
  co_return out;
}

struct Looking {
  std::vector<Member> all;       // the seed first
  std::vector<std::string> ids;  // that anybody in it names
  Conversation found;
};

net::Task<void> look(imap::Client& client, std::string mailbox, Looking& l) {
  const imap::MailboxState state = co_await client.select(mailbox, true);
  l.found.searched.push_back(mailbox);
  const Member seed = l.all.front();
  const bool object_id = client.capabilities().has("OBJECTID") && !seed.summary.row.thread_id.empty();
  const bool gmail = client.capabilities().has("X-GM-EXT-1") && !seed.summary.row.gm_thread_id.empty();
  const imap::FetchItems items = summary_items();
  Uids looked;
  if (mailbox == seed.mailbox) looked.insert(seed.summary.row.uid);
  const auto take = [&](std::vector<imap::Uid> uids) -> net::Task<void> {
    std::erase_if(uids, [&](imap::Uid uid) { return looked.contains(uid); });
    std::sort(uids.begin(), uids.end());
    uids.erase(std::unique(uids.begin(), uids.end()), uids.end());
    const std::size_t room = kMostLooked - std::min(kMostLooked, looked.size());
    if (uids.size() > room) {
      l.found.cut = true;
      uids.erase(uids.begin(), uids.end() - static_cast<std::ptrdiff_t>(room));
    }
    looked.insert(uids.begin(), uids.end());
    Rows rows = co_await fetch_rows(client, std::move(uids), items);
    l.found.unreadable.insert(l.found.unreadable.end(), rows.unreadable.begin(), rows.unreadable.end());
    for (imap::MessageRow& row : rows.rows)
      l.all.push_back({mailbox, state.uid_validity, summary_of(std::move(row))});
  };
  if (object_id || gmail) {
    imap::Criteria same;
    if (object_id)
      same.thread_id(seed.summary.row.thread_id);
    else
      same.gmail_thread_id(seed.summary.row.gm_thread_id);
    std::vector<imap::Uid> uids = co_await client.uid_search(same);
    co_await take(std::move(uids));
    if (l.all.size() > 1) co_return;  // else the server may not know conversations after all
  }
  const std::string subject = mime::base_subject(seed.summary.message.subject.value_or(""));
  std::size_t asked = 0;
  for (int round = 0; round < kRounds && asked < l.ids.size(); ++round) {
    const imap::Criteria any = naming_any(l.ids, asked);
    asked = std::min(l.ids.size(), asked + kIdsAtOnce);
    std::vector<imap::Uid> uids = co_await try_search(client, any);
    co_await take(std::move(uids));
    for (const std::size_t i : conversation_of(l.all, 0)) add_ids(l.all[i].summary.message, l.ids);
  }
  l.found.cut = l.found.cut || asked < l.ids.size();
  if (subject.size() < 4 || subject.size() > 200) co_return;
  imap::Criteria by_subject;
  by_subject.subject(subject);
  std::vector<imap::Uid> uids = co_await try_search(client, by_subject);
  co_await take(std::move(uids));
  if (!client.threading()) co_return;
  // What the server joins by references that no message here has any more.
  const imap::Criteria either = imap::Criteria().either(by_subject, naming_any(l.ids, 0));
  std::vector<imap::Uid> more = co_await thread_candidates(client, either, looked);
  co_await take(std::move(more));
}

/// Where to look: the mailbox of all mail on Gmail, else the seed's own, INBOX and Sent.
net::Task<std::vector<std::string>> mailboxes(imap::Client& client, std::string own) {
  const std::vector<imap::ListEntry> all = co_await client.list_with_uses();
  if (client.capabilities().has("X-GM-EXT-1"))
    for (const imap::ListEntry& e : all)
      if (e.has("\\All")) co_return std::vector<std::string>{e.name};
  std::vector<std::string> out{own};
  const imap::ListEntry* sent = imap::find_special(all, imap::Use::sent);
  for (const std::string& name : {std::string("INBOX"), sent ? sent->name : std::string("INBOX")})
    if (std::none_of(out.begin(), out.end(), [&](const std::string& o) {
          return o == name || (imap::same(o, "INBOX") && name == "INBOX");
        }))
      out.push_back(name);
  co_return out;
}

}  // namespace

net::Task<Conversation> find_conversation(imap::Client& client, Member seed) {
  Looking l;
  add_ids(seed.summary.message, l.ids);
  const std::string own = seed.mailbox;
  l.all.push_back(std::move(seed));
  const std::vector<std::string> places = co_await mailboxes(client, own);
  for (const std::string& mailbox : places) co_await look(client, mailbox, l);
  std::vector<Member> members;
  for (const std::size_t i : conversation_of(l.all, 0)) members.push_back(l.all[i]);
  l.found.members = in_order(std::move(members));
  co_return std::move(l.found);
}

}  // namespace mailroom::read
