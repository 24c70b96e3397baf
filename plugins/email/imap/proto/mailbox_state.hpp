// What untagged responses mean for the session, whatever command is under way.
#pragma once
#include "imap/proto/response.hpp"
#include "imap/proto/session.hpp"

namespace mailroom::imap {

/// Takes a response's news into the session: capabilities, mailbox, BYE. What it does not know it ignores
/// (ALERT and referrals too: the words of a server are never acted on).
void fold(Session& session, Response& response);

}  // namespace mailroom::imap
