#include "tools/mailboxes.hpp"

#include "mime/ascii.hpp"
#include "mime/fence.hpp"
#include "tools/account_session.hpp"

namespace mailroom::tools {
namespace {

constexpr std::size_t kMost = 1'000;

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

aoh::Json status_json(const std::string& mailbox, const imap::StatusData& s) {
  aoh::Json j{{"name", mailbox}};
  if (s.messages) j.set("messages", *s.messages);
  if (s.unseen) j.set("unseen", *s.unseen);
  if (s.uid_next) j.set("uid_next", *s.uid_next);
  if (s.uid_validity) j.set("uid_validity", *s.uid_validity);
  return j;
}

}  // namespace

aoh::Result email_mailboxes(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    const host::Account account = box.runtime.services().account(credential_of(args, call));
    aoh::Json list = aoh::Json::array();
    std::string notice;
    if (args["action"].str() == "status") {
      const std::string mailbox = args["mailbox"].str_or("INBOX");
      const auto status = imap_call<imap::StatusData>(
          box, call, account, [mailbox](imap::Client& c) { return c.status(mailbox); });
      list.push(status_json(mailbox, status));
    } else {
      const std::string pattern = args["pattern"].str_or("*");
      const auto entries = imap_call<std::vector<imap::ListEntry>>(
          box, call, account, [pattern](imap::Client& c) { return c.list(pattern); });
      for (const imap::ListEntry& e : entries) {
        if (list.size() == kMost) {
          notice = "There are " + std::to_string(entries.size()) + " mailboxes; these are the first " +
                   std::to_string(kMost) + ". Narrow it with pattern.";
          break;
        }
        list.push(entry_json(e));
      }
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
    for (const aoh::Json& w : watchers.items()) {
      text += w["credential_id"].str() + " " + printable(w["mailbox"].str(), 200) + ": " + w["state"].str();
      if (w.has("last_contact")) text += ", last contact " + w["last_contact"].str();
      if (w.has("last_event")) text += ", last event " + w["last_event"].str();
      if (w.has("last_error")) text += ", last error: " + w["last_error"].str();
      if (w.has("cure")) text += ". " + w["cure"].str();
      text += "\n";
    }
    return aoh::Result::ok(aoh::Json{{"watchers", std::move(watchers)}}, std::move(text));
  });
}

}  // namespace mailroom::tools
