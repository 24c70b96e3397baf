#include "tools/flags.hpp"

#include <algorithm>

#include "imap/proto/ascii.hpp"

namespace mailroom::tools {
namespace {

constexpr std::string_view kSystem[] = {"seen", "answered", "flagged", "deleted", "draft"};

std::vector<std::string> flags_of(const aoh::Json& args, const char* field, bool adding) {
  std::vector<std::string> out;
  for (const aoh::Json& w : args[field].items()) out.push_back(flag_of(w.str(), adding, field));
  return out;
}

std::vector<std::string> labels_of(const aoh::Json& args, const char* field) {
  std::vector<std::string> out;
  for (const aoh::Json& w : args[field].items()) out.push_back(w.str());
  return out;
}

bool holds(const std::vector<std::string>& list, std::string_view flag) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& f) { return imap::same(f, flag); });
}

void check_kept(const imap::MailboxState& mailbox, const std::vector<std::string>& flags) {
  if (mailbox.permanent_flags.empty()) return;  // nobody told
  for (const std::string& flag : flags)
    if (!holds(mailbox.permanent_flags, flag) &&
        (flag.starts_with('\\') || !holds(mailbox.permanent_flags, "\\*")))
      throw Failure(Errc::unsupported, "the mailbox cannot keep the flag " + printable(flag, 60),
                    printable(mailbox.name, 200), "Use one of its own flags, or move the message instead");
}

}  // namespace

std::string flag_of(std::string_view word, bool adding, const char* field) {
  const std::string_view bare = word.starts_with('\\') ? word.substr(1) : word;
  std::string flag(word);
  for (const std::string_view s : kSystem)
    if (imap::same(bare, s)) flag = "\\" + std::string(1, imap::upper(s.front())) + std::string(s.substr(1));
  if (imap::same(bare, "recent") || (adding && flag == "\\Deleted"))
    throw Failure(Errc::invalid, "the flag " + printable(word, 60) + " cannot be set", field,
                  adding && flag == "\\Deleted" ? "Use delete" : "The server sets it");
  try {
    imap::flag_list({flag});
  } catch (const Failure& f) {  // which argument it was, too
    throw Failure(f.error.code, f.error.what + ": \"" + printable(word, 60) + "\"", field, f.error.cure);
  }
  return flag;
}

bool FlagChange::empty() const {
  return add.empty() && remove.empty() && !replace && add_labels.empty() && remove_labels.empty();
}

FlagChange flag_change_of(const aoh::Json& args) {
  FlagChange c;
  c.replace = args.has("set_flags");
  if (c.replace && (args.has("add_flags") || args.has("remove_flags")))
    throw Failure(Errc::invalid,
                  "set_flags replaces all flags; it goes with neither add_flags nor remove_flags",
                  "set_flags");
  c.add = flags_of(args, c.replace ? "set_flags" : "add_flags", true);
  c.remove = flags_of(args, "remove_flags", false);
  c.add_labels = labels_of(args, "add_labels");
  c.remove_labels = labels_of(args, "remove_labels");
  return c;
}

net::Task<std::map<imap::Uid, std::vector<std::string>>> change_flags(imap::Client& client,
                                                                      std::vector<imap::Uid> uids,
                                                                      FlagChange c) {
  using imap::StoreMode;
  const imap::UidSet set = imap::UidSet::of(uids);
  if (!client.capabilities().has("X-GM-EXT-1")) {
    for (const std::string& l : c.add_labels) c.add.push_back(flag_of(l, true, "add_labels"));
    for (const std::string& l : c.remove_labels) c.remove.push_back(flag_of(l, false, "remove_labels"));
    c.add_labels.clear();
    c.remove_labels.clear();
  }
  check_kept(client.mailbox(), c.add);
  if (c.replace) co_await client.uid_store(set, StoreMode::replace, c.add);
  if (!c.replace && !c.add.empty()) co_await client.uid_store(set, StoreMode::add, c.add);
  if (!c.remove.empty()) co_await client.uid_store(set, StoreMode::remove, c.remove);
  if (!c.add_labels.empty()) co_await client.uid_store_labels(set, StoreMode::add, c.add_labels);
  if (!c.remove_labels.empty()) co_await client.uid_store_labels(set, StoreMode::remove, c.remove_labels);
  std::map<imap::Uid, std::vector<std::string>> now;
  imap::FetchItems items;
  items.object_ids = false;
  const imap::OnRow on_row = [&](imap::MessageRow&& row) {
    if (row.uid != 0) now[row.uid] = row.flags.value_or(std::vector<std::string>());
  };
  co_await client.uid_fetch(set, items, on_row);
  co_return now;
}

}  // namespace mailroom::tools
