// email_update.
#pragma once
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// {"mailbox", "uid_validity", "messages": [{"uid", "state", "flags"?, "to"?, "error"?}], "notice"?}: flags,
/// labels, then at most one of copy, move and delete, of up to 500 messages. isError when nothing was done to
/// any.
aoh::Result email_update(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
