// What is owed once a message was sent: its copy in the account's Sent mailbox, the removal of its draft.
#pragma once
#include <memory>
#include <string>

#include "aoh/sdk/call.hpp"
#include "outbox/transmit.hpp"

namespace mailroom::outbox {

/// Attempts at the copy before it is given up (`sent_copy: failed`); the message itself was sent.
inline constexpr std::uint32_t kCopyAttempts = 6;

/// True while something is owed.
bool follows(const Record& record);

/// Appends the copy (looked for first when an earlier attempt may have done it) and writes the record. Never
/// throws for what IMAP says: the record tells.
net::Task<void> follow_up(Shared& shared, std::shared_ptr<host::Job> job, const host::Account& account,
                          Store::Entry& entry, std::string bearer, net::Executor executor);
/// The same within a call, for a host that does not stay up.
Record follow_up_in_call(Shared& shared, aoh::Call& call, const host::Account& account, const Record& record,
                         const std::string& bearer);

}  // namespace mailroom::outbox
