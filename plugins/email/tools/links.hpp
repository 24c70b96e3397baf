// email_links: the links that stand for files too large for mail, seen and taken back.
#pragma once
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// action: list (default), revoke (id), purge (delete what has expired), upload (path: makes a link by hand;
/// for a person at the command line only). An agent sees and revokes the links of the account it is granted;
/// others are "not found" to it.
aoh::Result email_links(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
