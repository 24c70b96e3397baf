#include "imap/proto/select.hpp"

#include "imap/proto/fetch_row.hpp"

namespace mailroom::imap {
namespace {

using Kind = Response::Kind;

constexpr unsigned kMostVanished = 1'000;  // responses that tell what has gone

bool resyncs(const Session& s, const Known* known) {
  return known && known->uid_validity != 0 && known->modseq != 0 && can_resync(s);
}

Command select_command(const Session& s, std::string_view mailbox, bool read_only, const Known* known) {
  Command command(read_only ? "EXAMINE " : "SELECT ");
  command.mailbox(mailbox);
  if (resyncs(s, known)) {
    command.raw(" (QRESYNC (" + std::to_string(known->uid_validity) + " " + std::to_string(known->modseq));
    if (!known->uids.empty()) command.raw(" " + known->uids.text());
    command.raw("))");
  } else if (known && s.caps.has("CONDSTORE")) {
    command.raw(" (CONDSTORE)");
  }
  return command;
}

}  // namespace

bool can_resync(const Session& session) { return session.enabled.has("QRESYNC"); }

Select::Select(Session& session, std::string_view mailbox, bool read_only, const Known* known)
    : Exchange(session, select_command(session, mailbox, read_only, known),
               "opening the mailbox " + printable(mailbox, 100) + " failed") {
  session.mailbox = {};
  session.mailbox.read_only = read_only;
  if (!resyncs(session, known)) return;
  known_ = known->uids;
  on_untagged = [this, &session](Response& r) {
    if (r.kind == Kind::vanished) {
      Tokens t = r.tokens();
      if (!t.peek('(')) return false;  // not EARLIER: it happens now
      t.skip();
      // A server may name more than was asked of (RFC 7162 §3.2.5.2), in pieces. Each is merged with all
      // before.
      if (++told_ > kMostVanished)
        throw Failure(Errc::limit, "the server told what has gone in more than 1,000 pieces");
      since.vanished.add(known_.without(known_.without(UidSet::parse(t.atom()))));
      return true;
    }
    if (r.kind != Kind::fetch) return false;
    MessageRow row = parse_fetch(r, session.limits);
    if (row.uid == 0) return false;
    if (since.changed.size() >= session.limits.resync_rows)
      throw Failure(Errc::limit, "more than " + std::to_string(session.limits.resync_rows) +
                                     " messages of the mailbox have changed");
    since.changed.push_back(std::move(row));
    return true;
  };
}

}  // namespace mailroom::imap
