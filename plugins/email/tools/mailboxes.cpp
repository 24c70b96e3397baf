#include "tools/mailboxes.hpp"

#include <algorithm>
#include <map>

#include "mime/ascii.hpp"
#include "mime/fence.hpp"
#include "tools/account_session.hpp"
#include "tools/mailbox_actions.hpp"
#include "tools/plain_words.hpp"

namespace mailroom::tools {
namespace {

constexpr std::size_t kMost = 1'000;
constexpr std::size_t kMostWatchers = 300;  // an answer has at most 1 MB, and an error may be long

aoh::Json entry_json(const imap::ListEntry& e) {
  static constexpr std::string_view kSpecial[] = {"\\All",  "\\Archive", "\\Drafts", "\\Flagged",
                                                  "\\Junk", "\\Sent",    "\\Trash"};
  aoh::Json j{{"name", e.name}};
  if (e.delimiter) j.set("delimiter", std::string(1, e.delimiter));
  aoh::Json flags = aoh::Json::array();
  for (const std::string& a : e.attributes) flags.push(printable(a, 100));
  j.set("flags", std::move(flags));
  for (const std::string_view s : kSpecial)
    if (e.has(s)) {
      j.set("special_use", mime::to_lower(s.substr(1)));
      break;
    }
  return j;
}

void add_status(const imap::StatusData& s, aoh::Json& j) {
  if (s.messages) j.set("messages", *s.messages);
  if (s.unseen) j.set("unseen", *s.unseen);
  if (s.uid_next) j.set("uid_next", *s.uid_next);
  if (s.uid_validity) j.set("uid_validity", *s.uid_validity);
}

std::string named(const aoh::Json& args, const char* field, const char* cure) {
  const std::string& name = args[field].str();
  if (name.empty()) throw Failure(Errc::invalid, "no mailbox was named", field, cure);
  return name;
}

/// status, create, rename or delete; the name of the mailbox that it was about goes to `name`.
imap::StatusData act(const Toolbox& box, const aoh::Json& args, aoh::Call& call, const host::Account& account,
                     const std::string& action, std::string& name) {
  using Work = std::function<net::Task<imap::StatusData>(imap::Client&)>;
  Work work;
  if (action == "status") {
    name = args["mailbox"].str_or("INBOX");
    work = [mailbox = name](imap::Client& c) -> net::Task<imap::StatusData> { return c.status(mailbox); };
    return imap_call<imap::StatusData>(box, call, account, work);
  }
  need_grant(call, account.id, "manage", "change mailboxes");
  name = named(args, "mailbox", "Say which one");
  if (action == "create") {
    work = [mailbox = name](imap::Client& c) { return create_mailbox(c, mailbox); };
  } else if (action == "rename") {
    const std::string from = name;
    name = named(args, "new_name", "Say what it shall be called");
    work = [from, to = name](imap::Client& c) { return rename_mailbox(c, from, to); };
  } else if (action == "delete") {
    if (args["confirm"].str() != name)
      throw Failure(Errc::invalid, "deleting a mailbox wants its name twice", "confirm",
                    "Give the mailbox's name again");
    work = [mailbox = name](imap::Client& c) { return delete_mailbox(c, mailbox); };
  } else {
    throw Failure(Errc::invalid, "unknown action \"" + printable(action, 32) + "\"", "action",
                  "Use list, status, create, rename or delete");
  }
  return imap_call<imap::StatusData>(box, call, account, work);
}

}  // namespace

aoh::Result email_mailboxes(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    need_plain_words(args);
    const host::Account account = box.runtime.services().account(credential_of(args, call));
    aoh::Json list = aoh::Json::array();
    std::string notice;
    const std::string action = args["action"].str_or("list");
    if (action == "list") {
      const std::string pattern = args["pattern"].str_or("*");
      const bool counts = args["counts"].boolean();
      const auto found = imap_call<std::vector<imap::Counted>>(
          box, call, account,
          [pattern, counts](imap::Client& c) { return list_mailboxes(c, pattern, counts); });
      std::size_t counted = 0;
      for (const imap::Counted& m : found) {
        if (list.size() == kMost) {
          notice = "There are " + std::to_string(found.size()) + " mailboxes; these are the first " +
                   std::to_string(kMost) + ". Narrow it with pattern.";
          break;
        }
        aoh::Json j = entry_json(m.entry);
        if (m.status) add_status(*m.status, j);
        counted += m.status.has_value();
        list.push(std::move(j));
      }
      if (counts && notice.empty() && counted < list.size())
        notice = "Not all are counted: some cannot be opened, and at most 100 are counted at once.";
    } else {
      std::string name;
      const imap::StatusData status = act(box, args, call, account, action, name);
      aoh::Json j{{"name", name}};
      if (action != "delete") add_status(status, j);
      list.push(std::move(j));
      if (action == "delete") notice = "The mailbox is deleted.";
    }
    // Names may be a stranger's in shared mailboxes; they are short, but fenced all the same.
    const std::string nonce = random_token();
    std::string lines;
    for (const aoh::Json& m : list.items()) {
      lines += m["name"].str();
      if (m.has("special_use")) lines += " [" + m["special_use"].str() + "]";
      if (m.has("messages")) lines += ": " + std::to_string(m["messages"].integer()) + " messages";
      if (m.has("unseen")) lines += ", " + std::to_string(m["unseen"].integer()) + " unread";
      lines += "\n";
    }
    std::string text = mime::fence(lines, "mailboxes", nonce);
    aoh::Json structured{{"mailboxes", std::move(list)}};
    if (!notice.empty()) {
      structured.set("notice", notice);
      text += "\n" + notice;
    }
    return aoh::Result::ok(std::move(structured), std::move(text));
  });
}

aoh::Result email_watch(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    std::string credential;
    if (!call.from_operator() || args.has("credential_id")) credential = credential_of(args, call);
    aoh::Json watchers = box.watchers ? box.watchers(credential, args["mailbox"].str()) : aoh::Json::array();
    std::string text = watchers.empty() ? "No watcher runs for this account here." : "";
    std::vector<aoh::Json> shown = watchers.items();
    std::map<std::string, std::int64_t> counts;
    for (const aoh::Json& w : shown) ++counts[w["state"].str()];
    // Those that want a look come first.
    std::stable_partition(shown.begin(), shown.end(), [](const aoh::Json& w) {
      return w["state"].str() != "idle" && w["state"].str() != "polling";
    });
    aoh::Json result = aoh::Json::object();
    if (shown.size() > kMostWatchers) {
      const std::string notice = "The first " + std::to_string(kMostWatchers) + " of " +
                                 std::to_string(shown.size()) +
                                 " watchers, those that neither idle nor poll ahead; name a mailbox for one.";
      shown.resize(kMostWatchers);
      result.set("notice", notice);
      text = notice + "\n";
    }
    aoh::Json states = aoh::Json::array();
    for (const auto& [state, count] : counts) states.push(aoh::Json{{"state", state}, {"count", count}});
    result.set("states", std::move(states));
    for (const aoh::Json& w : shown) {
      text += w["credential_id"].str() + " " + printable(w["mailbox"].str(), 200) + ": " + w["state"].str();
      if (w.has("last_contact")) text += ", last contact " + w["last_contact"].str();
      if (w.has("silent_s")) text += " (" + std::to_string(w["silent_s"].integer()) + " s ago)";
      if (w.has("last_event"))
        text += ", last event " + w["last_event"].str() + " (lag " + std::to_string(w["lag_ms"].integer()) +
                " ms)";
      if (w.has("last_error")) text += ", last error: " + w["last_error"].str();
      if (w.has("cure")) text += ". " + w["cure"].str();
      text += "\n";
    }
    result.set("watchers", aoh::Json(std::move(shown)));
    return aoh::Result::ok(std::move(result), std::move(text));
  });
}

}  // namespace mailroom::tools
