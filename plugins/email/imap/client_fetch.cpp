// The client's UID FETCH: one command, and the ways around what servers refuse.
#include <algorithm>
#include <span>

#include "imap/client.hpp"
#include "imap/proto/throttle.hpp"
#include "net/driver.hpp"

namespace mailroom::imap {
namespace {

constexpr std::uint64_t kGuess = 1'000;  // UIDs of a set that are tried without asking which of them exist

/// Reads in large pieces while messages come.
class Bulk {
 public:
  Bulk(net::Stream& stream, const std::vector<FetchRequest>& requests)
      : stream_(std::any_of(requests.begin(), requests.end(),
                            [](const FetchRequest& r) { return !r.items.sections.empty(); })
                    ? &stream
                    : nullptr) {
    if (stream_ != nullptr) stream_->set_bulk(true);
  }
  ~Bulk() {
    if (stream_ != nullptr) stream_->set_bulk(false);
  }
  Bulk(const Bulk&) = delete;
  Bulk& operator=(const Bulk&) = delete;

 private:
  net::Stream* stream_;  // null: little is to come
};

bool wants_decoded(const FetchItems& items) {
  return std::any_of(items.sections.begin(), items.sections.end(),
                     [](const FetchItems::Want& want) { return want.decoded; });
}

Error named(Error error, Uid uid) {
  error.what = "the server does not give the message";
  error.where = "message UID " + std::to_string(uid);
  return error;
}

}  // namespace

std::int64_t Client::transfer_deadline() const {
  return net::after(stream_->clock().now_ns(), session_.timeouts.transfer);
}

net::Task<bool> Client::next_row(Fetch& fetch, std::int64_t deadline_ns) {
  net::DriveOptions options;
  options.deadline_ns = deadline_ns;
  const Action::Kind end = co_await net::drive(*stream_, fetch, options);
  if (end == Action::Kind::failed) {
    if (is_fatal(fetch.error().code)) stream_->close();
    if (fetch.sink_error()) std::rethrow_exception(fetch.sink_error());
    const Response& answer = fetch.answer();
    refusal_ = answer.kind == Response::Kind::bad ? Refusal::bad
               : answer.code == "UNKNOWN-CTE"     ? Refusal::unknown_encoding
                                                  : Refusal::no;
    throw failure(fetch);
  }
  co_return end != Action::Kind::done;
}

/// Rows are still on their way: the dialogue cannot be taken up again.
void Client::break_off() {
  session_.dead = true;
  stream_->close();
}

net::Task<FetchSummary> Client::uid_fetch(std::vector<FetchRequest> requests, const OnRow& on_row,
                                          SectionSink* sink) {
  FetchSummary summary;
  const std::int64_t deadline = transfer_deadline();
  const Bulk bulk(*stream_, requests);
  Fetch fetch(session_, std::move(requests), sink);
  while (co_await next_row(fetch, deadline)) {
    ++summary.rows;
    try {
      on_row(fetch.take_row());
    } catch (...) {
      break_off();
      throw;
    }
  }
  co_return summary;
}

/// What is left of `piece` when `came` has come, and exists: a server that refuses a set is not asked for
/// each number in it.
net::Task<UidSet> Client::still_missing(const UidSet& piece, const std::vector<Uid>& came) {
  const UidSet rest = piece.without(UidSet::of(came));
  if (!rest.open_ended() && rest.size() <= kGuess) co_return rest;
  Criteria among;
  among.uid(rest);
  std::vector<Uid> there = co_await uid_search(among);
  std::erase_if(there, [&](Uid uid) { return !rest.contains(uid); });
  co_return UidSet::of(there);
}

net::Task<FetchSummary> Client::uid_fetch(const UidSet& set, const FetchItems& items, const OnRow& on_row) {
  FetchSummary summary;
  FetchItems now = items;
  std::vector<Uid> came;  // of the piece in hand
  const OnRow noted = [&](MessageRow&& row) {
    ++summary.rows;
    came.push_back(row.uid);
    on_row(std::move(row));
  };
  std::uint32_t refusals = 0;
  std::vector<UidSet> todo{set};  // the next one last
  while (!todo.empty()) {
    const UidSet piece = std::move(todo.back());
    todo.pop_back();
    if (session_.quirks.has(Quirk::one_range) && piece.ranges() > 1) {
      for (std::size_t i = piece.ranges(); i-- > 0;) todo.push_back(piece.range_at(i));
      continue;
    }
    came.clear();
    Error refused;
    try {
      std::vector<FetchRequest> one;
      one.push_back({piece, now});
      co_await uid_fetch(std::move(one), noted);
      // Cyrus says OK, and nothing of a part whose encoding it does not know.
      if (UidSet rest = piece.without(UidSet::of(came));
          session_.offers("BINARY") && wants_decoded(now) && !rest.empty()) {
        for (FetchItems::Want& want : now.sections) want.decoded = false;
        todo.push_back(std::move(rest));
      }
      continue;
    } catch (const Failure& f) {
      if (f.error.code != Errc::refused && f.error.code != Errc::temporary) throw;
      if (asked_to_wait(f.error.server)) throw;  // asking for less would be asking more often
      refused = f.error;
    }
    if (refusal_ == Refusal::bad && !session_.quirks.has(Quirk::one_range) && piece.ranges() > 1) {
      session_.quirks.add(Quirk::one_range);
      todo.push_back(piece.without(UidSet::of(came)));
    } else if (refusal_ == Refusal::bad && uses_extensions(session_, now)) {
      session_.quirks.add(Quirk::plain_items);
      todo.push_back(piece.without(UidSet::of(came)));
    } else if (refusal_ == Refusal::unknown_encoding && wants_decoded(now)) {
      for (FetchItems::Want& want : now.sections) want.decoded = false;
      todo.push_back(piece.without(UidSet::of(came)));
    } else if (refusal_ == Refusal::bad) {
      throw Failure(std::move(refused));
    } else {
      // Quirk refused_message: all are refused because of one. Halved, until that one is alone.
      const UidSet rest = co_await still_missing(piece, came);
      const std::vector<Uid> uids = rest.uids(static_cast<std::size_t>(rest.size()));
      if (uids.empty()) continue;
      if (uids.size() > 1) {
        const std::span<const Uid> all(uids);
        todo.push_back(UidSet::of(all.subspan(uids.size() / 2)));
        todo.push_back(UidSet::of(all.first(uids.size() / 2)));
        continue;
      }
      if (piece.size() > 1) {  // nobody has said yet that it is this one
        todo.push_back(rest);
        continue;
      }
      if (set.size() == 1) throw Failure(named(std::move(refused), uids.front()));
      if (++refusals > session_.limits.refusals) throw Failure(std::move(refused));
      MessageRow row;
      row.uid = uids.front();
      row.error = named(std::move(refused), row.uid);
      ++summary.rows;
      on_row(std::move(row));
    }
  }
  co_return summary;
}

}  // namespace mailroom::imap
