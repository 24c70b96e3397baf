// A draft as it lies in a Drafts mailbox, read back for changes. Pure.
#pragma once
#include <string_view>

#include "mime/compose.hpp"

namespace mailroom::mime {

/// The draft's content, to compose it anew with changes: addresses (Bcc too), subject, text, HTML,
/// attachments, threading. What else its header says is left behind. Never throws for what the bytes say.
Draft draft_from_bytes(std::string_view raw);

}  // namespace mailroom::mime
