// email_broadcast: one message to each of many recipients.
#pragma once
#include "tools/broadcasts.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

aoh::Result email_broadcast(const Toolbox& box, Broadcasts& broadcasts, const aoh::Json& args,
                            aoh::Call& call);

}  // namespace mailroom::tools
