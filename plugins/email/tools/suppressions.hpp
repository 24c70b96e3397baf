// email_suppressions: the addresses that an account does not send to any more.
#pragma once
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// list, add, release. 500 of a list at a time.
aoh::Result email_suppressions(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
