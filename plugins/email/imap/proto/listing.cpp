#include "imap/proto/listing.hpp"

#include "imap/proto/data.hpp"

namespace mailroom::imap {
namespace {

using Kind = Response::Kind;

bool extended(const Session& s) { return s.offers("LIST-EXTENDED") && !s.quirks.has(Quirk::plain_list); }

Command list_command(const Session& s, std::string_view pattern, ListOptions options) {
  Command command("LIST \"\" ");
  command.mailbox_pattern(pattern);
  std::string asked;
  if (options.uses && extended(s) && s.offers("SPECIAL-USE")) asked = "SPECIAL-USE";
  if (options.statuses && can_tell_statuses(s))
    asked += (asked.empty() ? "STATUS " : " STATUS ") + status_items(s);
  if (!asked.empty()) command.raw(" RETURN (" + asked + ")");
  return command;
}

/// Quirk stale_uid_next.
void without_stale(const Session& s, StatusData& data) {
  if (s.quirks.has(Quirk::stale_uid_next)) data.uid_next.reset();
}

}  // namespace

bool can_tell_statuses(const Session& s) { return extended(s) && s.offers("LIST-STATUS"); }

std::string status_items(const Session& s) {
  std::string items = "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN";
  if (s.caps.has("CONDSTORE") || s.caps.has("QRESYNC")) items += " HIGHESTMODSEQ";
  // Not MAILBOXID, which nobody needs here: Cyrus 3.6 answers it with stray bytes, and the whole line is
  // lost.
  return items + ")";
}

Listing::Listing(Session& session, std::string_view pattern, ListOptions options)
    : Exchange(session, list_command(session, pattern, options), "listing the mailboxes failed") {
  on_untagged = [this, &session](Response& r) {
    if (r.kind == Kind::list) {
      if (entries.size() >= session.limits.list_entries)
        throw Failure(Errc::limit, "the server has more than " + std::to_string(session.limits.list_entries) +
                                       " mailboxes");
      entries.push_back(parse_list(r, session.utf8_names()));
      return true;
    }
    if (r.kind != Kind::status) return false;
    if (statuses.size() >= session.limits.list_entries)
      throw Failure(Errc::limit, "the server tells of more mailboxes than it has");
    std::string name;
    StatusData data = parse_status(r, name, session.utf8_names());
    without_stale(session, data);
    statuses[name] = data;
    return true;
  };
}

StatusOf::StatusOf(Session& session, std::string_view mailbox)
    : Exchange(session, Command("STATUS ").mailbox(mailbox).raw(" " + status_items(session)),
               "asking for the state of the mailbox " + printable(mailbox, 100) + " failed") {
  on_untagged = [this, &session](Response& r) {
    if (r.kind != Kind::status) return false;
    std::string name;
    data = parse_status(r, name, session.utf8_names());
    without_stale(session, data);
    return true;
  };
}

}  // namespace mailroom::imap
