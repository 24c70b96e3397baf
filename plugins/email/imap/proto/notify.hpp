// NOTIFY (RFC 5465): news of several mailboxes on one connection. Pure.
#pragma once
#include <string>
#include <vector>

#include "imap/proto/command.hpp"

namespace mailroom::imap {

/// What the server is to tell of by itself, from the command on and until the next NOTIFY. Neither of the
/// two: nothing (NOTIFY NONE).
struct NotifyRequest {
  bool selected = true;  ///< the selected mailbox: messages that come, go, change flags
  std::vector<std::string>
      mailboxes;            ///< these (UTF-8): messages that come and go, told by STATUS; at most 1,000
  bool status_now = false;  ///< and how they stand now, at once
};

/// Throws Failure(invalid) for names that are none.
Command notify_command(const NotifyRequest& request);

}  // namespace mailroom::imap
