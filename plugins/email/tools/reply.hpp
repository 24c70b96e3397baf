// email_reply.
#pragma once
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// As email_send, to a message that is named: a session may have many, so that none is taken for granted. In
/// a session that a message opened the reply is automatic mail: the loop guard (policy/loop_guard.hpp) may
/// refuse it for good.
aoh::Result email_reply(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
