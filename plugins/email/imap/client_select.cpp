// The client's calls that open mailboxes, compare them with an earlier time, and list them.
#include "imap/client.hpp"
#include "imap/proto/data.hpp"
#include "imap/proto/fetch.hpp"
#include "imap/proto/listing.hpp"
#include "net/driver.hpp"

namespace mailroom::imap {

using Kind = Response::Kind;

net::Task<MailboxState> Client::open(Select& select, std::string_view mailbox) {
  try {
    co_await run(select);
  } catch (const Failure&) {
    session_.mailbox = {};  // RFC 3501 §6.3.1: a failed SELECT leaves none selected
    throw;
  }
  session_.mailbox.name = mailbox;
  co_return session_.mailbox;
}

net::Task<MailboxState> Client::select(std::string_view mailbox, bool read_only) {
  Select select(session_, mailbox, read_only);
  co_return co_await open(select, mailbox);
}

net::Task<MailboxState> Client::select(std::string_view mailbox, bool read_only, Known known, Since& since) {
  Select select(session_, mailbox, read_only, &known);
  co_await open(select, mailbox);
  since = std::move(select.since);
  if (known.uid_validity == 0) co_return session_.mailbox;
  if (session_.mailbox.uid_validity != known.uid_validity) {
    since = {};
    since.renumbered = true;
  } else if (!can_resync(session_) || known.modseq == 0) {
    co_await compare(known, since);
  }
  co_return session_.mailbox;
}

/// The plain way: what QRESYNC would have told.
net::Task<void> Client::compare(const Known& known, Since& since) {
  if (known.uids.empty()) co_return;
  FetchItems items;
  items.object_ids = false;
  const bool by_modseq =
      known.modseq != 0 && session_.caps.has("CONDSTORE") && session_.mailbox.highest_modseq.has_value();
  if (by_modseq) items.changed_since = known.modseq;
  std::vector<Uid> there;
  const OnRow on_row = [&](MessageRow&& row) {
    if (row.uid == 0) return;
    there.push_back(row.uid);
    if (since.changed.size() >= session_.limits.resync_rows)
      throw Failure(Errc::limit, "more than " + std::to_string(session_.limits.resync_rows) +
                                     " messages of the mailbox have changed");
    since.changed.push_back(std::move(row));
  };
  co_await uid_fetch(known.uids, items, on_row);
  if (by_modseq) {
    Criteria among;
    among.uid(known.uids);
    there = co_await uid_search(among);
  }
  since.vanished = known.uids.without(UidSet::of(there));
}

net::Task<std::vector<ListEntry>> Client::list(std::string_view pattern) {
  Listing listing(session_, pattern, {});
  co_await run(listing);
  co_return std::move(listing.entries);
}

net::Task<std::vector<ListEntry>> Client::list_with_uses() {
  Listed listed = co_await extended_list("*", false);
  co_return std::move(listed.entries);
}

net::Task<Client::Listed> Client::extended_list(std::string_view pattern, bool statuses) {
  for (;;) {
    const bool plain = session_.quirks.has(Quirk::plain_list);
    const ListOptions options{true, statuses};
    Listing listing(session_, pattern, options);
    try {
      co_await run(listing);
      co_return Listed{std::move(listing.entries), std::move(listing.statuses)};
    } catch (const Failure& f) {
      // Some refuse what they announce; a plain LIST may tell as much (RFC 6154 §2).
      if (f.error.code != Errc::refused || plain || !session_.offers("LIST-EXTENDED")) throw;
      session_.quirks.add(Quirk::plain_list);
    }
  }
}

net::Task<std::vector<Counted>> Client::list_with_counts(std::string_view pattern, std::size_t most) {
  Listed listed = co_await extended_list(pattern, true);
  const bool told = can_tell_statuses(session_);
  std::vector<Counted> out;
  for (ListEntry& e : listed.entries) {
    const auto status = listed.statuses.find(e.name);
    out.push_back(
        {std::move(e), status == listed.statuses.end() ? std::nullopt : std::optional(status->second)});
  }
  for (Counted& c : out) {
    if (told || most == 0) break;
    if (c.entry.has("\\Noselect") || c.entry.has("\\NonExistent")) continue;
    --most;
    try {
      c.status = co_await status(c.entry.name);
    } catch (const Failure& f) {
      if (is_fatal(f.error.code)) throw;
    }
  }
  co_return out;
}

net::Task<StatusData> Client::status(std::string_view mailbox) {
  StatusOf status(session_, mailbox);
  co_await run(status);
  co_return status.data;
}

bool Client::can_notify() const { return session_.caps.has("NOTIFY"); }

net::Task<std::map<std::string, StatusData>> Client::notify(NotifyRequest request) {
  if (!can_notify())
    throw Failure(Errc::unsupported, "the server does not offer NOTIFY", stream_->endpoint().where());
  std::map<std::string, StatusData> now;
  Exchange exchange(session_, notify_command(request), "asking for news of mailboxes failed");
  exchange.on_untagged = [&](Response& r) {
    if (r.kind != Kind::status) return false;
    std::string name;
    StatusData data = parse_status(r, name, session_.utf8_names());
    if (now.size() < session_.limits.news) now[name] = std::move(data);
    return true;
  };
  co_await run(exchange);
  co_return now;
}

}  // namespace mailroom::imap
