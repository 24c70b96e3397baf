#include "tools/update.hpp"

#include <algorithm>

#include "imap/proto/ascii.hpp"
#include "mailbox/relocate.hpp"
#include "tools/account_session.hpp"
#include "tools/flags.hpp"
#include "tools/plain_words.hpp"

namespace mailroom::tools {
namespace {

using mailbox::Fared;
using mailbox::Fate;
using mailbox::Place;

constexpr std::size_t kMost = 500;

struct Wanted {
  Place from;
  std::vector<imap::Uid> uids;
  FlagChange flags;
  std::string copy_to, move_to, message_id;
  bool remove = false, permanent = false, create = false;
  bool relocates() const { return !copy_to.empty() || !move_to.empty() || remove; }
};

Wanted wanted_of(const aoh::Json& args) {
  Wanted w;
  w.from.mailbox = args["mailbox"].str_or("INBOX");
  w.from.uid_validity = static_cast<std::uint32_t>(args["uid_validity"].integer());
  for (const aoh::Json& u : args["uids"].items()) {
    const std::int64_t uid = u.integer();
    if (uid < 1 || uid > UINT32_MAX) throw Failure(Errc::invalid, "a uid is out of range", "uids");
    if (std::find(w.uids.begin(), w.uids.end(), uid) == w.uids.end())
      w.uids.push_back(static_cast<imap::Uid>(uid));
  }
  if (w.uids.empty() || w.uids.size() > kMost)
    throw Failure(Errc::invalid, "1 to " + std::to_string(kMost) + " messages at once", "uids");
  w.flags = flag_change_of(args);
  w.copy_to = args["copy_to"].str();
  w.move_to = args["move_to"].str();
  w.remove = args["delete"].boolean();
  w.permanent = args["permanent"].boolean();
  w.create = args["create"].boolean();
  w.message_id = args["message_id"].str();
  if (!w.copy_to.empty() + !w.move_to.empty() + w.remove > 1)
    throw Failure(Errc::invalid, "only one of copy_to, move_to and delete at once",
                  "copy_to, move_to, delete", "Give one of them, and the others in a further call");
  if (w.permanent && !w.remove)
    throw Failure(Errc::invalid, "permanent is for delete", "permanent", "Give delete: true too");
  if (w.create && w.copy_to.empty() && w.move_to.empty())
    throw Failure(Errc::invalid, "create is for move_to and copy_to", "create", "Give one of them too");
  if (!w.message_id.empty() && (w.move_to.empty() || w.uids.size() != 1))
    throw Failure(Errc::invalid, "message_id is for one message that is moved", "message_id", "Leave it out");
  if (!w.relocates() && w.flags.empty())
    throw Failure(Errc::invalid, "nothing to do was named", "add_flags, move_to, delete ...",
                  "Say what shall become of the messages");
  return w;
}

net::Task<std::string> trash(imap::Client& client, Place from) {
  const std::optional<std::string> found = co_await mailbox::find_mailbox(client, imap::Use::trash);
  if (!found)
    throw Failure(Errc::not_found, "the account has no mailbox for deleted messages", {},
                  "Move the message elsewhere, create one (email_mailboxes), or delete with permanent: true");
  if (*found == from.mailbox)
    throw Failure(Errc::invalid, "the messages lie in the mailbox for deleted ones already", "permanent",
                  "Delete with permanent: true to remove them for good");
  co_return *found;
}

/// Where a message lies that somebody, perhaps an earlier call, has taken there; nowhere unless just one
/// carries its Message-ID.
net::Task<Place> moved_before(imap::Client& client, std::string to, std::string message_id) {
  const std::vector<imap::Uid> found = co_await mailbox::find_by_message_id(client, to, message_id);
  if (found.size() != 1) co_return Place{};
  co_return Place{to, client.mailbox().uid_validity, found.front()};
}

struct Done {
  std::uint32_t uid_validity = 0;
  std::vector<Fared> fared;  // empty: nothing was relocated
  std::map<imap::Uid, std::vector<std::string>> flags;
};

net::Task<Done> update(imap::Client& client, Wanted w) {
  Done done;
  std::string to = w.copy_to.empty() ? w.move_to : w.copy_to;
  if (w.remove && !w.permanent) to = co_await trash(client, w.from);
  if (w.create) to = co_await mailbox::find_or_make(client, to);
  const imap::MailboxState state = co_await mailbox::open_at(client, w.from, false);
  done.uid_validity = state.uid_validity;
  if (w.permanent && client.capabilities().has("X-GM-EXT-1") && imap::same(w.from.mailbox, "INBOX"))
    throw Failure(Errc::unsupported, "Gmail only archives what is removed from INBOX", "permanent",
                  "Delete to the trash, then permanently from there");
  if (!w.flags.empty()) {
    if (state.read_only)
      throw Failure(Errc::refused, "the mailbox can only be read", printable(w.from.mailbox, 200));
    done.flags = co_await change_flags(client, w.uids, w.flags);
  }
  if (w.permanent)
    done.fared = co_await mailbox::remove_messages(client, w.from, w.uids);
  else if (!w.copy_to.empty())
    done.fared = co_await mailbox::copy_messages(client, w.from, w.uids, to);
  else if (!to.empty())
    done.fared = co_await mailbox::move_messages(client, w.from, w.uids, to);
  if (!w.message_id.empty() && done.fared.front().fate == Fate::gone)
    done.fared.front().there = co_await moved_before(client, to, w.message_id);
  co_return done;
}

aoh::Json strings(const std::vector<std::string>& list) {
  aoh::Json out = aoh::Json::array();
  for (const std::string& s : list) out.push(printable(s, 200));
  return out;
}

aoh::Json relocated(const Fared& f) {
  aoh::Json j{{"uid", f.uid}, {"state", mailbox::name(f.fate)}};
  if (!f.there.mailbox.empty()) {
    aoh::Json to{{"mailbox", f.there.mailbox}};
    to.set_if(f.there.uid != 0 && f.there.uid_validity != 0, "uid", f.there.uid);
    to.set_if(f.there.uid_validity != 0, "uid_validity", f.there.uid_validity);
    j.set("to", std::move(to));
  }
  if (f.error) j.set("error", error_json(f.error));
  return j;
}

aoh::Json messages_of(const Wanted& w, const Done& done) {
  aoh::Json out = aoh::Json::array();
  if (w.relocates()) {
    for (const Fared& f : done.fared) out.push(relocated(f));
    return out;
  }
  for (const imap::Uid uid : w.uids) {
    const auto it = done.flags.find(uid);
    aoh::Json j{{"uid", uid}, {"state", it == done.flags.end() ? "gone" : "updated"}};
    if (it != done.flags.end()) j.set("flags", strings(it->second));
    out.push(std::move(j));
  }
  return out;
}

}  // namespace

aoh::Result email_update(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    need_plain_words(args);
    const host::Account account = box.runtime.services().account(credential_of(args, call));
    const Wanted w = wanted_of(args);
    const Done done = imap_call<Done>(
        box, call, account, [w](imap::Client& client) -> net::Task<Done> { return update(client, w); });
    aoh::Json messages = messages_of(w, done);
    std::map<std::string, std::size_t> counts;
    for (const aoh::Json& m : messages.items()) ++counts[m["state"].str()];
    std::string text;
    for (const auto& [state, n] : counts)
      text += (text.empty() ? "" : ", ") + std::to_string(n) + " " + state;
    text += ".\n";
    for (const Fared& f : done.fared) {
      text += "UID " + std::to_string(f.uid) + ": " + std::string(mailbox::name(f.fate));
      if (f.there.uid != 0)
        text += ", now UID " + std::to_string(f.there.uid) + " (UIDVALIDITY " +
                std::to_string(f.there.uid_validity) + ") in " + printable(f.there.mailbox, 200);
      if (f.error) text += ": " + f.error.line();
      text += "\n";
    }
    aoh::Json structured{{"mailbox", w.from.mailbox}, {"messages", std::move(messages)}};
    structured.set_if(done.uid_validity != 0, "uid_validity", done.uid_validity);
    if (counts.contains("marked")) {
      const char* notice =
          "What is marked stays visible to some mail programs until one of them expunges the mailbox: the "
          "server cannot remove single messages (no UIDPLUS).";
      structured.set("notice", notice);
      text += std::string(notice) + "\n";
    }
    const auto kept =
        std::find_if(done.fared.begin(), done.fared.end(), [](const Fared& f) { return bool(f.error); });
    if (kept != done.fared.end() && counts["kept"] == done.fared.size())
      return error_result(kept->error, structured);
    return aoh::Result::ok(std::move(structured), std::move(text));
  });
}

}  // namespace mailroom::tools
