// Pure: who belongs together.
#include "read/conversation.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "mime/ascii.hpp"
#include "mime/thread.hpp"
#include "read/fold.hpp"

namespace mailroom::read {
namespace {

/// Union-find over messages.
class Groups {
 public:
  explicit Groups(std::size_t n) : parent_(n) { std::iota(parent_.begin(), parent_.end(), std::size_t{0}); }
  std::size_t of(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(std::size_t a, std::size_t b) { parent_[of(a)] = of(b); }

 private:
  std::vector<std::size_t> parent_;
};

std::string server_thread(const Member& m) {
  if (!m.summary.row.thread_id.empty()) return "t" + m.summary.row.thread_id;
  if (!m.summary.row.gm_thread_id.empty()) return "g" + m.summary.row.gm_thread_id;
  return {};
}

/// A message that is alone with its id learns nothing from it.
bool server_knows(const std::vector<Member>& all, std::size_t seed) {
  const std::string of_seed = server_thread(all[seed]);
  std::size_t n = 0;
  for (const Member& m : all) n += !of_seed.empty() && server_thread(m) == of_seed;
  return n > 1;
}

std::set<std::string> people(const mime::Message& m) {
  std::set<std::string> out;
  for (const auto* list : {&m.from, &m.to, &m.cc})
    for (const mime::Address& a : *list)
      if (!a.address.empty()) out.insert(mime::to_lower(a.address));
  return out;
}

bool names_nobody(const mime::Message& m) { return m.references.empty() && m.in_reply_to.empty(); }

std::string topic(const mime::Message& m) { return folded(mime::base_subject(m.subject.value_or(""))); }

bool is_answer(const mime::Message& m) {
  return m.subject && mime::base_subject(*m.subject) != mime::trim(*m.subject) &&
         mime::reply_subject(*m.subject) == *m.subject;
}

std::int64_t time_of(const Member& m) {
  const auto sent = m.summary.message.date_unix, arrived = m.summary.row.internal_date_s;
  if (sent && arrived) return std::min(*sent, *arrived);
  return sent.value_or(arrived.value_or(0));
}

std::string identity(const Member& m) {
  const imap::MessageRow& row = m.summary.row;
  if (!row.email_id.empty()) return "e" + row.email_id;
  if (!row.gm_message_id.empty()) return "g" + row.gm_message_id;
  if (m.summary.message.message_id && row.size)
    return "m" + std::to_string(*row.size) + " " + *m.summary.message.message_id;
  return "u" + m.mailbox + " " + std::to_string(row.uid);
}

}  // namespace

std::vector<std::size_t> conversation_of(const std::vector<Member>& all, std::size_t seed) {
  Groups groups(all.size());
  std::map<std::string, std::size_t> first;  // what joins, and the first message that has it
  const auto join = [&](const std::string& what, std::size_t i) {
    const auto [it, fresh] = first.emplace(what, i);
    if (!fresh) groups.join(i, it->second);
  };
  const bool told = server_knows(all, seed);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const mime::Message& m = all[i].summary.message;
    const std::string of_server = told ? server_thread(all[i]) : std::string();
    if (!of_server.empty()) {
      join(of_server, i);
      continue;
    }
    if (m.message_id) join("i" + *m.message_id, i);
    for (const auto* ids : {&m.references, &m.in_reply_to})
      for (const std::string& id : *ids) join("i" + id, i);
  }
  // Answers that name nobody: some programs write none of the fields.
  const std::string subject = topic(all[seed].summary.message);
  std::set<std::string> known;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (groups.of(i) == groups.of(seed)) known.merge(people(all[i].summary.message));
  for (std::size_t i = 0; i < all.size() && !subject.empty(); ++i) {
    const mime::Message& m = all[i].summary.message;
    if (groups.of(i) == groups.of(seed) || (told && !server_thread(all[i]).empty()) || topic(m) != subject)
      continue;
    const bool one_is_answer = is_answer(m) || (is_answer(all[seed].summary.message) && i != seed &&
                                                names_nobody(all[seed].summary.message));
    if (!names_nobody(m) || !one_is_answer) continue;
    const std::set<std::string> theirs = people(m);
    const bool all_known =
        !theirs.empty() && std::includes(known.begin(), known.end(), theirs.begin(), theirs.end());
    if (all_known) groups.join(i, seed);
  }
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (groups.of(i) == groups.of(seed)) out.push_back(i);
  return out;
}

std::vector<Member> in_order(std::vector<Member> members) {
  std::set<std::string> seen;
  std::vector<Member> out;
  for (Member& m : members)
    if (seen.insert(identity(m)).second) out.push_back(std::move(m));
  const auto arrived = [](const Member& m) { return m.summary.row.internal_date_s.value_or(0); };
  std::stable_sort(out.begin(), out.end(), [&](const Member& a, const Member& b) {
    if (time_of(a) != time_of(b)) return time_of(a) < time_of(b);
    if (arrived(a) != arrived(b)) return arrived(a) < arrived(b);
    return a.mailbox == b.mailbox && a.summary.row.uid < b.summary.row.uid;
  });
  return out;
}

}  // namespace mailroom::read
