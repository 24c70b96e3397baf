// LIST and its extended forms (RFC 3501 §6.3.8, RFC 5258, RFC 6154, RFC 5819).
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "imap/proto/exchange.hpp"

namespace mailroom::imap {

/// What is told of each mailbox besides its name.
struct ListOptions {
  bool uses = false;      ///< what it is for (RFC 6154), where the server has it
  bool statuses = false;  ///< its counts, in the same answer (RFC 5819); only where can_tell_statuses()
};

/// Can one LIST tell the counts of all mailboxes?
bool can_tell_statuses(const Session& session);
/// The items of STATUS that the server knows: "(MESSAGES UIDNEXT ...)".
std::string status_items(const Session& session);

/// LIST "" `pattern`. What the server does not offer is not asked for.
class Listing final : public Exchange {
 public:
  Listing(Session& session, std::string_view pattern, ListOptions options);

  std::vector<ListEntry> entries;              ///< in the server's order; at most Limits::list_entries
  std::map<std::string, StatusData> statuses;  ///< by name; a mailbox without one could not be looked into
};

/// STATUS of one mailbox.
class StatusOf final : public Exchange {
 public:
  StatusOf(Session& session, std::string_view mailbox);
  StatusData data;
};

}  // namespace mailroom::imap
