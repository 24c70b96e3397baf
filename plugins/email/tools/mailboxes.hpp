// email_mailboxes and email_watch: what there is, and how watching goes.
#pragma once
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// {"mailboxes": [{name, delimiter, flags, special_use}]}, at most 1,000; with counts, and for status, create
/// and rename, which name one, messages, unseen, uid_next, uid_validity. create, rename and delete want the
/// grant manage.
aoh::Result email_mailboxes(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

/// {"watchers": [...]} of the account; for the person at the command line of all accounts when none is named.
aoh::Result email_watch(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
