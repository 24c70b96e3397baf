// email_forward.
#pragma once
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// As email_send, with the message that is named below the comment, or attached whole. Its attachments are
/// fetched only where they are kept. In a session that a message opened it is automatic mail, and the loop
/// guard may refuse it for good.
aoh::Result email_forward(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
