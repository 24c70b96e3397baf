// What a message and its copy have in common, and which message of one mailbox is like which of another.
#pragma once
#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "imap/client.hpp"

namespace mailroom::mailbox {

struct Likeness {
  std::uint64_t size = 0;      ///< bytes of the message
  std::int64_t arrived_s = 0;  ///< INTERNALDATE, seconds since 1970; 0 where it is not compared
  std::string fields;          ///< Message-ID, Date, From and Subject as they were sent
  auto operator<=>(const Likeness&) const = default;
};
using Likenesses = std::multimap<Likeness, imap::Uid>;

struct LookFor {
  bool arrival = false;     ///< compare INTERNALDATE as well
  bool message_id = false;  ///< leave out what has no Message-ID
  bool lasting = false;     ///< leave out what is marked \Deleted
};

/// Of `set` in the selected mailbox: 16 KB of header fields each at most. Leaves out what the server did not
/// tell whole. Throws Failure: those of a lost session.
net::Task<Likenesses> likenesses(imap::Client& client, imap::UidSet set, LookFor what);

/// here, there: what is alike, each of `theirs` for one of `ours`; no more than whose bytes, both counted,
/// are `most_bytes` in all.
std::vector<std::pair<imap::Uid, imap::Uid>> pairs(const Likenesses& ours, Likenesses theirs,
                                                   std::uint64_t most_bytes = UINT64_MAX);

}  // namespace mailroom::mailbox
