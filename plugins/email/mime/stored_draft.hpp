// A draft as it lies in a Drafts mailbox, read back for changes. Pure.
#pragma once
#include <string_view>

#include "mime/compose.hpp"

namespace mailroom::mime {

/// The draft's content, to compose it anew with changes: addresses (Bcc too), subject, text, HTML,
/// attachments with the charset of text files, threading, X-* fields but for what mail programs keep for
/// themselves. What else its header says is left behind. Never throws for what the bytes say.
Draft draft_from_bytes(std::string_view raw);

}  // namespace mailroom::mime
