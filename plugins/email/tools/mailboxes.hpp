// email_mailboxes and email_watch: what there is, and how watching goes. Both change nothing.
#pragma once
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// {"mailboxes": [{name, delimiter, flags, special_use}]}, or for status one with messages, unseen, uid_next,
/// uid_validity. At most 1,000.
aoh::Result email_mailboxes(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

/// {"watchers": [...]} of the account; for the person at the command line of all accounts when none is named.
aoh::Result email_watch(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
