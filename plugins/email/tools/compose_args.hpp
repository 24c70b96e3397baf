// From a tool's arguments to the message they describe.
#pragma once
#include "host/account.hpp"
#include "mime/compose.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// From, as the argument `from` or the account's first identity. Throws Failure(refused) for any other
/// address.
mime::Address sender_of(const aoh::Json& args, const host::Account& account);

/// The session's opening payload when the call belongs to a session that an event opened, else null: what
/// such a session sends is automatic mail (RFC 3834).
aoh::Json trigger_of(const Toolbox& box, const aoh::Call& call);

/// The argument `headers` as fields.
std::vector<std::pair<std::string, std::string>> headers_of(const aoh::Json& args);

/// What email_send's arguments describe: from, to, cc, bcc, reply_to, subject, text, html, attachments.
/// Without recipients or content: those checks are the caller's. Throws Failure that names the field.
mime::Draft draft_of(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                     const host::Account& account);

/// The same without attachments: they are the caller's.
mime::Draft draft_without_files(const Toolbox& box, const aoh::Json& args, const aoh::Call& call,
                                const host::Account& account);

/// The time of now, fresh randomness; the configured limits.
mime::ComposeContext compose_context(const Toolbox& box);
mime::ComposeLimits compose_limits(const Toolbox& box);
/// Composes with the time of now and fresh randomness.
mime::Composed compose(const Toolbox& box, const mime::Draft& draft);

}  // namespace mailroom::tools
