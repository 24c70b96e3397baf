// email_deliverability: what the DNS says about the domains that an account sends from.
#pragma once
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// Blocks on the DNS for 20 seconds a domain at most, 5 where no server answers; at most 5 domains of an
/// account.
aoh::Result email_deliverability(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
