#include "tools/mailbox_actions.hpp"

#include <algorithm>

#include "imap/proto/ascii.hpp"

namespace mailroom::tools {
namespace {

constexpr std::size_t kMostCounted = 100;

/// Does a LIST pattern match? "*" is anything, "%" anything but the delimiter (RFC 3501 §6.3.8).
bool matches(std::string_view name, std::string_view pattern, char delimiter) {
  std::size_t n = 0, p = 0, star_n = 0;
  std::size_t star_p = std::string_view::npos;
  while (n < name.size()) {
    if (p < pattern.size() && (pattern[p] == '*' || pattern[p] == '%')) {
      star_p = p++;
      star_n = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star_p != std::string_view::npos && (pattern[star_p] == '*' || name[star_n] != delimiter)) {
      n = ++star_n;
      p = star_p + 1;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && (pattern[p] == '*' || pattern[p] == '%')) ++p;
  return p == pattern.size();
}

void refuse_inbox(const std::string& name, const char* what) {
  if (imap::same(name, "INBOX"))
    throw Failure(Errc::refused, std::string("INBOX cannot be ") + what, "mailbox",
                  "Move its messages with email_update");
}

}  // namespace

net::Task<std::vector<imap::Counted>> list_mailboxes(imap::Client& client, std::string pattern, bool counts) {
  std::vector<imap::Counted> all, out;
  if (counts) {
    all = co_await client.list_with_counts("*", kMostCounted);
  } else {
    const std::vector<imap::ListEntry> entries = co_await client.list_with_uses();
    for (const imap::ListEntry& e : entries) all.push_back({e, std::nullopt});
  }
  for (imap::Counted& m : all)
    if (matches(m.entry.name, pattern, m.entry.delimiter)) out.push_back(std::move(m));
  co_return out;
}

net::Task<imap::StatusData> create_mailbox(imap::Client& client, std::string name) {
  co_await client.create(name);
  co_return co_await client.status(name);
}

net::Task<imap::StatusData> rename_mailbox(imap::Client& client, std::string from, std::string to) {
  refuse_inbox(from, "renamed");
  co_await client.rename_mailbox(from, to);
  co_return co_await client.status(to);
}

net::Task<imap::StatusData> delete_mailbox(imap::Client& client, std::string name) {
  refuse_inbox(name, "deleted");
  const std::vector<imap::ListEntry> all = co_await client.list_with_uses();
  for (const imap::ListEntry& e : all) {
    if (e.delimiter && e.name.size() > name.size() && e.name.starts_with(name) &&
        e.name[name.size()] == e.delimiter)
      throw Failure(Errc::state, "other mailboxes lie below it", printable(name, 200),
                    "Delete or rename those first");
    if (e.name != name) continue;
    for (const imap::Use use :
         {imap::Use::drafts, imap::Use::sent, imap::Use::trash, imap::Use::junk, imap::Use::archive})
      if (e.has(imap::attribute(use)))
        throw Failure(Errc::refused, "the account needs it for " + std::string(imap::name(use)),
                      printable(name, 200));
  }
  const imap::StatusData status = co_await client.status(name);
  if (!status.messages || *status.messages > 0)
    throw Failure(Errc::state,
                  status.messages ? std::to_string(*status.messages) + " messages lie in it"
                                  : "the server does not tell whether it is empty",
                  printable(name, 200), "Move or delete them first: only an empty mailbox is deleted");
  co_await client.delete_mailbox(name);
  co_return status;
}

}  // namespace mailroom::tools
