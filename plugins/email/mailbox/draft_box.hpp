// Drafts in the account's own mailbox for them.
//
// Coroutines on the session's strand; throw Failure.
#pragma once
#include "mailbox/special.hpp"

namespace mailroom::mailbox {

/// Appends a draft with \Draft and \Seen, and tells where it lies: by APPENDUID, else by looking for its
/// Message-ID. `again`: it may have been done before (a call that is repeated after a crash); then it looks
/// for the Message-ID first, and appends only what is not there. `bytes` outlives the call.
net::Task<Place> append_draft(imap::Client& client, std::string mailbox, const std::string& bytes,
                              std::string message_id, bool again);

/// Throws state when the draft is not there any more (or is marked \Deleted): somebody changed it elsewhere,
/// which mail programs do by putting a new one in and removing the old. Leaves the mailbox selected for
/// reading.
net::Task<void> check_still_there(imap::Client& client, Place place);

}  // namespace mailroom::mailbox
