// The order of a search's pages: by the server where it can, else here.
#pragma once
#include <optional>
#include <utility>
#include <vector>

#include "read/finder.hpp"

namespace mailroom::read {

/// The UIDs that meet `criteria`, in an order other than newest and oldest, behind the cursor. By SORT (RFC
/// 5256) where the server has it, as long as the cursor's message is still among them; else by keys that are
/// fetched: then at most 5,000 messages (Failure(limit)). Messages whose keys cannot be read go to
/// `unreadable`.
net::Task<std::vector<imap::Uid>> sorted(imap::Client& client, Order order, imap::Criteria criteria,
                                         std::optional<Cursor> after,
                                         std::vector<std::pair<imap::Uid, Error>>& unreadable);

}  // namespace mailroom::read
