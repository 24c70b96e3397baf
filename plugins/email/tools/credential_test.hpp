// `host-stub integration test`: an account's servers tried step by step.
#pragma once
#include <string_view>

#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// Tries the account's IMAP server, then its SMTP server, each through: dns, tcp, tls (version, days that the
/// certificate is good for), greeting, authentication, capabilities, and for IMAP select (INBOX, read-only).
/// Nothing is sent and nothing in the mailbox changes. A failed step ends the trial of its server only.
///
/// The answer: {"ok", "credential_id", "servers": [{"server", "where", "tls", "ok", "steps": [{"step",
/// "state": ok|failed|skipped, "ms", "detail", "error": {code, what, where, server_said, cure,
/// temporary}}]}]}, as text one line a step; isError unless every step is ok. `ms` is the instance's clock's.
/// Each server is connected to twice: dns, tcp and tls (where TLS is implicit) are timed on a connection of
/// their own.
///
/// An object store's credential (type s3) is tried by store_test().
///
/// Blocks; at most about two minutes, less when the call's deadline is nearer.
///
/// `send_to_self`: once all of that works, a message goes from the account to itself: handed_in and arrived,
/// each with its time since the start (see round_trip.hpp).
aoh::Result credential_test(const Toolbox& box, std::string_view credential_id, aoh::Call& call,
                            bool send_to_self = false);

/// The same as a tool.
aoh::Result email_test(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
