// Messages from one mailbox to another, and mailboxes renamed and deleted: COPY, MOVE, RENAME, DELETE (RFC
// 3501, RFC 4315, RFC 6851), Gmail's labels. Pure.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "imap/proto/change.hpp"

namespace mailroom::imap {

/// Where copies lie, by COPYUID (RFC 4315 §3).
struct CopyResult {
  std::uint32_t uid_validity = 0;         ///< the other mailbox's; 0: the server did not tell
  std::vector<std::pair<Uid, Uid>> uids;  ///< (here, there); without UIDPLUS empty
  Uid there(Uid here) const;              ///< 0: not told
};

Command copy_command(const UidSet& set, std::string_view mailbox);
Command move_command(const UidSet& set, std::string_view mailbox);
/// Adds what a response with the code COPYUID tells. False for any other code, and for one that cannot be
/// read or does not name as many messages there as here: then nothing is told.
bool take_copyuid(const Response& response, CopyResult& result);

Command rename_command(std::string_view from, std::string_view to);
Command delete_command(std::string_view mailbox);

/// Gmail's X-GM-LABELS: "\Important" and the like, or a label's name in UTF-8. Throws Failure(invalid).
Command label_command(const UidSet& set, StoreMode mode, const std::vector<std::string>& labels);

}  // namespace mailroom::imap
