// email_parse: messages from files, blobs or text as JSON. No account, no network.
#pragma once
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// {"messages": [...]}: one entry for each source in the order paths, blobs, raw, base64; one that could not
/// be read is {"source", "error"}. An error result only when none could be read. At most 100 sources; a
/// message of at most 64 MiB.
aoh::Result email_parse(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
