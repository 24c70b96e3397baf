// email_send.
#pragma once
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// {"state": "sent", "message_id", "size", "recipients": [...]}; refused, failed and uncertain are error
/// results with the same members.
aoh::Result email_send(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
