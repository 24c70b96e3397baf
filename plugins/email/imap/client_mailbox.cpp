// The client's calls that order, group, copy and move messages, and those on whole mailboxes.
#include "imap/client.hpp"

namespace mailroom::imap {

using Kind = Response::Kind;

bool Client::can_sort() const { return session_.caps.has("SORT"); }

net::Task<std::vector<Uid>> Client::uid_sort(Sort sort, const Criteria& criteria) {
  if (!can_sort())
    throw Failure(Errc::unsupported, "the server does not offer SORT", stream_->endpoint().where());
  std::vector<Uid> uids;
  Exchange exchange(session_, sort_command(sort, criteria), "the sorted search failed");
  exchange.on_untagged = [&](Response& r) {
    if (r.kind != Kind::sort) return false;
    parse_sort(r, uids, session_.limits);
    return true;
  };
  co_await run(exchange);
  co_return uids;
}

std::optional<Threading> Client::threading() const {
  if (session_.caps.has("THREAD=REFS")) return Threading::refs;
  if (session_.caps.has("THREAD=REFERENCES")) return Threading::references;
  return std::nullopt;
}

net::Task<std::vector<std::vector<Uid>>> Client::uid_thread(const Criteria& criteria) {
  const std::optional<Threading> algorithm = threading();
  if (!algorithm)
    throw Failure(Errc::unsupported, "the server does not offer THREAD", stream_->endpoint().where());
  std::vector<std::vector<Uid>> threads;
  Exchange exchange(session_, thread_command(*algorithm, criteria), "asking for conversations failed");
  exchange.on_untagged = [&](Response& r) {
    if (r.kind != Kind::thread) return false;
    parse_thread(r, threads, session_.limits);
    return true;
  };
  co_await run(exchange);
  co_return threads;
}

net::Task<void> Client::uid_store_labels(const UidSet& set, StoreMode mode,
                                         const std::vector<std::string>& labels) {
  if (!session_.caps.has("X-GM-EXT-1"))
    throw Failure(Errc::unsupported, "the server has no labels", stream_->endpoint().where());
  Exchange exchange(session_, label_command(set, mode, labels), "setting labels failed");
  co_await run(exchange);
}

net::Task<CopyResult> Client::uid_copy(const UidSet& set, std::string_view mailbox) {
  CopyResult result;
  Exchange exchange(session_, copy_command(set, mailbox),
                    "copying messages to " + printable(mailbox, 100) + " failed");
  co_await run(exchange);
  take_copyuid(exchange.answer(), result);
  co_return result;
}

bool Client::can_move() const { return session_.offers("MOVE"); }

net::Task<void> Client::uid_move(const UidSet& set, std::string_view mailbox, CopyResult& result) {
  if (!can_move())
    throw Failure(Errc::unsupported, "the server does not offer MOVE", stream_->endpoint().where());
  Exchange exchange(session_, move_command(set, mailbox),
                    "moving messages to " + printable(mailbox, 100) + " failed");
  // COPYUID comes in an untagged OK, before the EXPUNGE of each (RFC 6851 §4.3); some put it at the end.
  exchange.on_untagged = [&](Response& r) { return r.kind == Kind::ok && take_copyuid(r, result); };
  co_await run(exchange);
  take_copyuid(exchange.answer(), result);
}

net::Task<void> Client::rename_mailbox(std::string_view from, std::string_view to) {
  Exchange exchange(session_, rename_command(from, to),
                    "renaming the mailbox " + printable(from, 100) + " failed");
  co_await run(exchange);
}

net::Task<void> Client::delete_mailbox(std::string_view mailbox) {
  Exchange exchange(session_, delete_command(mailbox),
                    "deleting the mailbox " + printable(mailbox, 100) + " failed");
  co_await run(exchange);
}

}  // namespace mailroom::imap
