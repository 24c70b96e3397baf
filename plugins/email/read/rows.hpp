// The rows of many messages, such that one that the server cannot give does not hide the others. Never sets
// \Seen.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "imap/client.hpp"
#include "read/filter.hpp"

namespace mailroom::read {

struct Rows {
  std::vector<imap::MessageRow> rows;                   ///< in the order asked for; who is gone has none
  std::vector<std::pair<imap::Uid, Error>> unreadable;  ///< they are there, and their answer cannot be had
};

/// Fetches all with one command. Where the server answers NO, or a row cannot be read so that nobody knows
/// whose it is, the rest is asked for in halves down to single messages. Throws Failure that are fatal, and
/// temporary ones.
net::Task<Rows> fetch_rows(imap::Client& client, std::vector<imap::Uid> uids, imap::FetchItems items);

/// What a list shows of a message: its usual header fields and `more_fields`, flags, size, arrival,
/// structure. No text, no attachment. Throws Failure(invalid) for a field's name that is none.
imap::FetchItems summary_items(const std::vector<std::string>& more_fields = {});
/// From a row fetched with summary_items().
Summary summary_of(imap::MessageRow row);

}  // namespace mailroom::read
