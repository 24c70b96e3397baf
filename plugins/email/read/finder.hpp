// A search in one mailbox, page by page.
//
// Pages are stable: a page begins behind the last message of the one before (its UID, and what it was sorted
// by), never at a number of messages, so mail that comes or goes meanwhile shifts nothing. What the server
// found is checked again (read/filter.hpp). Memory is bounded by the page and the server's list of UIDs.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "read/rows.hpp"

namespace mailroom::read {

enum class Order { newest, oldest, date_newest, date_oldest, largest, smallest, subject, from };
/// "newest" ... Throws Failure(invalid).
Order order_from(std::string_view name);

/// Where a page ends.
struct Cursor {
  Order order = Order::newest;
  std::uint32_t uid_validity = 0;
  imap::Uid uid = 0;  ///< of the last message looked at
  imap::Uid top = 0;  ///< UIDs above it came after the first page; 0: not limited
  std::string key;    ///< what it was sorted by; empty for newest and oldest
};
std::string to_text(const Cursor& cursor);
/// Throws Failure(invalid).
Cursor cursor_from(std::string_view text);

/// What a message is sorted by, such that the bytes compare.
std::string sort_key(Order order, const Summary& summary);

struct Find {
  std::string mailbox = "INBOX";
  Filter filter;
  Order order = Order::newest;
  std::size_t limit = 20;  ///< messages of a page
  std::optional<Cursor> after;
  bool verify_text = false;            ///< the server is known to ignore body and text: look oneself
  std::size_t max_bytes = 256u << 10;  ///< of header fields in one page; the page ends early behind it
};

struct Found {
  imap::MailboxState mailbox;
  std::vector<Summary> messages;
  std::vector<std::pair<imap::Uid, Error>> unreadable;
  std::size_t candidates = 0;  ///< that the server named for this page and what follows
  std::size_t behind = 0;      ///< of them, those behind this page
  std::size_t left_out = 0;    ///< of those looked at, those that do not match after all
  bool utf8_refused = false;   ///< the server cannot search for such words: they were looked for here
  std::optional<Cursor> next;  ///< absent: this was the last page
};

/// Opens the mailbox read-only. Throws Failure: those of the session; state when the cursor is of another
/// UIDVALIDITY; limit when more messages than 5,000 would have to be sorted here.
net::Task<Found> find(imap::Client& client, Find query);

}  // namespace mailroom::read
