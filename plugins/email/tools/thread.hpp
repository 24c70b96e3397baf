// email_thread.
#pragma once
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// {"messages": [with text], "total", "offset", "mailboxes", "unreadable"?, "notice"?}: the conversation of a
/// message, oldest first, quoted text folded away; at most 50 messages of it in one answer. Changes nothing.
aoh::Result email_thread(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
