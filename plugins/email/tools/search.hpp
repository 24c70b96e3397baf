// email_search.
#pragma once
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// {"mailbox", "uid_validity", "messages": [summaries], "unreadable": [{uid, error}], "cursor"?, "more"?,
/// "notice"?}. At most 100 summaries; no text is downloaded, nothing is changed.
aoh::Result email_search(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
