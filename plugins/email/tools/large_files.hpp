// Attachments, and links in place of those that are too large for the message (RFC 1870's SIZE, or the
// configured ceiling).
#pragma once
#include <vector>

#include "host/account.hpp"
#include "mime/compose.hpp"
#include "outbox/record.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// The most bytes a message of the account may have: the configured ceiling, the provider's, and what the
/// server said last. A message that may come near it asks the server once.
std::uint64_t ceiling_of(const Toolbox& box, aoh::Call& call, const host::Account& account,
                         std::uint64_t expected_bytes);

/// Puts the argument `attachments` into the draft; what does not fit below the ceiling becomes a link,
/// planned but not uploaded, with its block at the end of text and HTML. Returns the plans as upload_links()
/// wants them back, null for none; they hold the links, which open the files to whoever has them. Throws
/// Failure: limit when something is too large and the account names no store, those of planning and reading.
aoh::Json attach(const Toolbox& box, const aoh::Json& args, aoh::Call& call, const host::Account& account,
                 mime::Draft& draft);

/// Puts the planned files where their links point, from the same arguments; goes on where a broken connection
/// or a dead process stopped. Throws Failure.
void upload_links(const Toolbox& box, const aoh::Json& args, aoh::Call& call, const host::Account& account,
                  const outbox::Record& record);

/// What a tool's answer says of them.
aoh::Json links_json(const aoh::Json& plans);
/// The plans of a record; null for none.
aoh::Json plans_of(const Toolbox& box, const outbox::Record& record);
/// Stores them, before the record that names them.
void save_plans(const Toolbox& box, const std::string& outbox_id, const aoh::Json& plans);

}  // namespace mailroom::tools
