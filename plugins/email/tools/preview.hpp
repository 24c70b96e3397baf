// What a message would be, shown before it goes.
#pragma once
#include <string>

#include "outbox/store.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// The sealed bytes as their reader will see them: envelope, header block, text, HTML, attachments with their
/// hashes, and the SHA-256 of the whole. `key`: the idempotency_key that sends exactly these bytes.
aoh::Result preview_result(const Toolbox& box, const outbox::Store::Entry& entry, const std::string& key);

}  // namespace mailroom::tools
