// SELECT and EXAMINE (RFC 3501 §6.3.1), and what has changed since the last time (RFC 7162). Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "imap/proto/exchange.hpp"
#include "imap/proto/uid_set.hpp"

namespace mailroom::imap {

/// What is known of a mailbox from an earlier time.
struct Known {
  std::uint32_t uid_validity = 0;  ///< 0: nothing is known
  std::uint64_t modseq = 0;        ///< HIGHESTMODSEQ then; 0: the server told none
  UidSet uids;                     ///< the messages that there were; not open-ended
};

/// What has become of it.
struct Since {
  bool renumbered = false;  ///< UIDVALIDITY is another: all that was known is void, and nothing else is told
  UidSet vanished;          ///< of Known::uids, those that are gone
  std::vector<MessageRow> changed;  ///< with UID and flags: those whose flags may be others now, in no order
};

/// Can a SELECT itself tell the changes? QRESYNC must be enabled (RFC 7162 §3.2.5).
bool can_resync(const Session& session);

/// Opens a mailbox. With `known`, and where can_resync(), its answer tells the changes, in `since`; at most
/// Limits::resync_rows of them and 1,000 responses of what has gone, else Failure(limit). Without QRESYNC,
/// `since` stays empty.
class Select final : public Exchange {
 public:
  Select(Session& session, std::string_view mailbox, bool read_only, const Known* known = nullptr);

  Since since;

 private:
  UidSet known_;
  unsigned told_ = 0;  // how many responses have told what has gone?
};

}  // namespace mailroom::imap
