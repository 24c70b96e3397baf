#include "read/order.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "mime/ascii.hpp"
#include "mime/thread.hpp"
#include "read/fold.hpp"

namespace mailroom::read {
namespace {

constexpr std::size_t kMostSorted = 5'000;   // messages sorted here
constexpr std::size_t kKeyBytes = 100;       // of a subject or an address
constexpr std::uint32_t kFieldBytes = 4096;  // of the one field that is fetched
constexpr std::size_t kMostCursor = 512;     // bytes of a cursor's text
constexpr std::string_view kNames[] = {"newest",  "oldest",   "date_newest", "date_oldest",
                                       "largest", "smallest", "subject",     "from"};

struct How {
  imap::SortKey key;
  bool reverse;
  const char* field;  // what the key is made from; empty: the size
};
How how(Order order) {
  using imap::SortKey;
  switch (order) {
    case Order::date_newest:
      return {SortKey::date, true, "DATE"};
    case Order::date_oldest:
      return {SortKey::date, false, "DATE"};
    case Order::largest:
      return {SortKey::size, true, ""};
    case Order::smallest:
      return {SortKey::size, false, ""};
    case Order::subject:
      return {SortKey::subject, false, "SUBJECT"};
    case Order::from:
      return {SortKey::from, false, "FROM"};
    default:
      return {SortKey::arrival, order == Order::newest, ""};
  }
}

std::string digits(std::int64_t n) {
  char text[24];
  std::snprintf(text, sizeof text, "%020llu",
                static_cast<unsigned long long>(n) + (1ULL << 63));  // so that negative ones come first
  return text;
}

/// Does `a` stand behind `b` in this order? Equal keys: by UID.
bool behind(bool reverse, const std::string& key_a, imap::Uid a, const std::string& key_b, imap::Uid b) {
  if (key_a != key_b) return (key_a > key_b) != reverse;
  return a > b;
}

std::string hex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

net::Task<std::vector<imap::Uid>> sorted_here(imap::Client& client, Order order, std::vector<imap::Uid> uids,
                                              std::optional<Cursor> after,
                                              std::vector<std::pair<imap::Uid, Error>>& unreadable) {
  if (uids.size() > kMostSorted)
    throw Failure(Errc::limit,
                  "the search finds " + std::to_string(uids.size()) + " messages, more than the " +
                      std::to_string(kMostSorted) + " that are sorted for a server that cannot sort",
                  "sort", "Narrow the search, or use the order newest or oldest");
  const How way = how(order);
  imap::FetchItems items;
  items.flags = items.object_ids = false;
  items.size = items.internal_date = true;
  if (*way.field) items.sections = {{"HEADER.FIELDS (" + std::string(way.field) + ")", kFieldBytes, 0}};
  Rows rows = co_await fetch_rows(client, std::move(uids), items);
  unreadable = std::move(rows.unreadable);
  std::vector<std::pair<std::string, imap::Uid>> keys;
  for (imap::MessageRow& row : rows.rows) {
    const imap::Uid uid = row.uid;
    std::string key = sort_key(order, summary_of(std::move(row)));
    if (!after || behind(way.reverse, key, uid, after->key, after->uid))
      keys.emplace_back(std::move(key), uid);
  }
  std::sort(keys.begin(), keys.end(), [&](const auto& a, const auto& b) {
    return behind(way.reverse, b.first, b.second, a.first, a.second);
  });
  std::vector<imap::Uid> out;
  for (const auto& [key, uid] : keys) out.push_back(uid);
  co_return out;
}

}  // namespace

Order order_from(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kNames); ++i)
    if (kNames[i] == name) return static_cast<Order>(i);
  throw Failure(Errc::invalid, "unknown order \"" + printable(name, 32) + "\"", "sort",
                "Use newest, oldest, date_newest, date_oldest, largest, smallest, subject or from");
}

std::string to_text(const Cursor& c) {
  return std::string(kNames[static_cast<int>(c.order)]) + ":" + std::to_string(c.uid_validity) + ":" +
         std::to_string(c.uid) + ":" + std::to_string(c.top) + ":" + hex(c.key);
}

Cursor cursor_from(std::string_view text) {
  const Failure bad(Errc::invalid, "not a cursor of email_search", "cursor",
                    "Give the one of the page before, unchanged, or none");
  if (text.size() > kMostCursor) throw bad;
  std::string_view fields[5];
  for (int i = 0; i < 5; ++i) {
    const std::size_t colon = i < 4 ? text.find(':') : text.size();
    if (colon == std::string_view::npos) throw bad;
    fields[i] = text.substr(0, colon);
    text.remove_prefix(std::min(text.size(), colon + 1));
  }
  const auto number = [&](std::string_view field) {
    std::uint32_t n = 0;
    const auto [end, ec] = std::from_chars(field.data(), field.data() + field.size(), n);
    if (ec != std::errc() || end != field.data() + field.size()) throw bad;
    return n;
  };
  Cursor c;
  try {
    c.order = order_from(fields[0]);
  } catch (const Failure&) {
    throw bad;
  }
  c.uid_validity = number(fields[1]);
  c.uid = number(fields[2]);
  c.top = number(fields[3]);
  if (c.uid == 0 || fields[4].size() % 2) throw bad;
  for (std::size_t i = 0; i < fields[4].size(); i += 2) {
    const int high = mime::hex_value(fields[4][i]), low = mime::hex_value(fields[4][i + 1]);
    if (high < 0 || low < 0) throw bad;
    c.key += static_cast<char>(high * 16 + low);
  }
  return c;
}

std::string sort_key(Order order, const Summary& s) {
  switch (order) {
    case Order::date_newest:
    case Order::date_oldest:
      return digits(s.message.date_unix.value_or(s.row.internal_date_s.value_or(0)));
    case Order::largest:
    case Order::smallest:
      return digits(static_cast<std::int64_t>(s.row.size.value_or(0)));
    case Order::subject:
      return folded(mime::base_subject(s.message.subject.value_or(""))).substr(0, kKeyBytes);
    case Order::from: {
      const std::string who = s.message.from.empty() ? "" : s.message.from.front().address;
      return folded(who.substr(0, who.find('@'))).substr(0, kKeyBytes);
    }
    default:
      return {};
  }
}

net::Task<std::vector<imap::Uid>> sorted(imap::Client& client, Order order, imap::Criteria criteria,
                                         std::optional<Cursor> after,
                                         std::vector<std::pair<imap::Uid, Error>>& unreadable) {
  if (client.can_sort()) {
    const How way = how(order);
    const imap::Sort sort{way.key, way.reverse};
    std::vector<imap::Uid> uids = co_await client.uid_sort(sort, criteria);
    if (!after) co_return uids;
    const auto at = std::find(uids.begin(), uids.end(), after->uid);
    if (at != uids.end()) co_return std::vector<imap::Uid>(at + 1, uids.end());
    // The last message of the page before is gone, or does not match any more: its key tells where it stood.
    co_return co_await sorted_here(client, order, std::move(uids), after, unreadable);
  }
  std::vector<imap::Uid> uids = co_await client.uid_search(criteria);
  co_return co_await sorted_here(client, order, std::move(uids), after, unreadable);
}

}  // namespace mailroom::read
