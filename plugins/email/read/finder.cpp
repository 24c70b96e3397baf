#include "read/finder.hpp"

#include <algorithm>

#include "read/order.hpp"
#include "read/reader.hpp"

namespace mailroom::read {
namespace {

constexpr std::size_t kMostExamined = 1'000;  // messages looked at for one page
constexpr std::size_t kMostTexts = 50;        // texts fetched for one page
constexpr std::size_t kBatch = 100;           // messages of one FETCH

SearchWays ways_of(const imap::Client& client) {
  return {client.capabilities().has("OBJECTID"), client.capabilities().has("X-GM-EXT-1"), false};
}

/// The search's UIDs in the order of its pages, behind the cursor.
net::Task<std::vector<imap::Uid>> candidates(imap::Client& client, const Find& q, SearchWays ways,
                                             Found& found) {
  imap::Criteria c = criteria(q.filter, ways);
  const imap::Uid last = q.after ? q.after->uid : 0;
  std::vector<imap::Uid> uids;
  if (q.order == Order::newest || q.order == Order::oldest) {
    if (last == 1 && q.order == Order::newest) co_return uids;
    if (last != 0 && q.order == Order::newest) c.uid(imap::UidSet::range(1, last - 1));
    if (last != 0 && q.order == Order::oldest) {
      if (last == UINT32_MAX) co_return uids;
      c.uid(imap::UidSet::from(last + 1));
    }
    uids = co_await client.uid_search(c);
    // "n:*" names the last message even below n (RFC 3501 §6.4.8).
    if (q.order == Order::oldest)
      uids.erase(uids.begin(), std::upper_bound(uids.begin(), uids.end(), last));
    else
      std::reverse(uids.begin(), uids.end());
    co_return uids;
  }
  if (q.after && q.after->top != 0) c.uid(imap::UidSet::range(1, q.after->top));
  co_return co_await sorted(client, q.order, std::move(c), q.after, found.unreadable);
}

net::Task<std::vector<imap::Uid>> candidates_in_any_charset(imap::Client& client, Find& q, Found& found) {
  SearchWays ways = ways_of(client);
  try {
    co_return co_await candidates(client, q, ways, found);
  } catch (const Failure& f) {
    if (f.error.code != Errc::unsupported || !criteria(q.filter, ways).keys().has_utf8()) throw;
  }
  // NO [BADCHARSET]: without those words, which are then looked for here.
  ways.ascii_only = found.utf8_refused = true;
  q.verify_text = true;
  co_return co_await candidates(client, q, ways, found);
}

std::size_t bytes_of(const imap::MessageRow& row) {
  std::size_t n = 0;
  for (const imap::Section& s : row.sections) n += s.bytes.size();
  return n;
}

net::Task<bool> text_matches(imap::Client& client, const Filter& filter, imap::Uid uid) {
  const imap::FetchItems items = head_items(client);
  const std::optional<imap::MessageRow> head = co_await fetch_one(client, uid, items);
  if (!head) co_return false;
  const mime::Message whole = co_await fetch_text(client, *head);
  co_return matches_text(filter, whole);
}

}  // namespace

net::Task<Found> find(imap::Client& client, Find q) {
  Found found;
  found.mailbox = co_await client.select(q.mailbox, true);
  if (q.after && q.after->uid_validity != found.mailbox.uid_validity)
    throw Failure(Errc::state,
                  "the mailbox numbers its messages anew (UIDVALIDITY is " +
                      std::to_string(found.mailbox.uid_validity) + " now): the cursor leads nowhere",
                  printable(q.mailbox, 200), "Search again without cursor");
  const std::vector<imap::Uid> uids = co_await candidates_in_any_charset(client, q, found);
  found.candidates = uids.size();
  Cursor at;
  at.order = q.order;
  at.uid_validity = found.mailbox.uid_validity;
  if (q.after) at = *q.after;
  if (!q.after && !uids.empty()) at.top = *std::max_element(uids.begin(), uids.end());
  std::vector<std::string> fields;
  for (const auto& [name, value] : q.filter.headers) fields.push_back(name);
  const imap::FetchItems items = summary_items(fields);
  const bool read_texts = q.verify_text && q.filter.asks_text();
  std::size_t done = 0, texts = 0, bytes = 0;
  bool full = false;
  while (!full && done < uids.size() && done < kMostExamined) {
    const std::size_t n = std::min({kBatch, uids.size() - done, std::max<std::size_t>(q.limit, 20)});
    const auto begin = uids.begin() + static_cast<std::ptrdiff_t>(done);
    std::vector<imap::Uid> batch(begin, begin + static_cast<std::ptrdiff_t>(n));
    Rows rows = co_await fetch_rows(client, batch, items);
    std::size_t next_row = 0;
    for (const imap::Uid uid : batch) {
      full = found.messages.size() >= q.limit || bytes >= q.max_bytes || texts >= kMostTexts;
      if (full) break;
      ++done;
      at.uid = uid;
      const auto bad = std::find_if(rows.unreadable.begin(), rows.unreadable.end(),
                                    [&](const auto& u) { return u.first == uid; });
      if (bad != rows.unreadable.end()) found.unreadable.push_back(*bad);
      if (next_row >= rows.rows.size() || rows.rows[next_row].uid != uid) continue;
      bytes += bytes_of(rows.rows[next_row]);
      Summary s = summary_of(std::move(rows.rows[next_row++]));
      at.key = sort_key(q.order, s);
      bool good = matches(q.filter, s);
      if (good && read_texts) {
        ++texts;
        good = co_await text_matches(client, q.filter, uid);
      }
      if (good)
        found.messages.push_back(std::move(s));
      else
        ++found.left_out;
    }
  }
  found.behind = uids.size() - done;
  if (found.behind > 0) found.next = at;
  co_return found;
}

}  // namespace mailroom::read
