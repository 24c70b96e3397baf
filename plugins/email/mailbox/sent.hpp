// The copy of what was sent, in the account's own mailbox for it.
#pragma once
#include "mailbox/special.hpp"

namespace mailroom::mailbox {

struct SentCopy {
  Place place;
  bool found = false;  ///< it lay there already; nothing was appended
};

/// Appends `bytes` (as sent; they outlive the call) to the Sent mailbox with \Seen, which is made where there
/// is none. `maybe_done`: this may have been done before (a crash, a connection cut during the APPEND, a
/// server that files copies by itself); then a message with this Message-ID is looked for first, so that
/// there is never a second.
net::Task<SentCopy> append_sent(imap::Client& client, const std::string& bytes, std::string message_id,
                                std::optional<std::int64_t> sent_unix_seconds, bool maybe_done);

}  // namespace mailroom::mailbox
