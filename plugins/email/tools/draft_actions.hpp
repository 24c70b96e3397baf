// What email_draft does with drafts that are there.
#pragma once
#include "host/account.hpp"
#include "mailbox/special.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// The draft that the arguments uid and uid_validity name, without its mailbox. Throws Failure(invalid).
mailbox::Place draft_place(const aoh::Json& args);

/// A page, newest first: at most `limit` (20 when left out, 50 at most) below `before_uid`.
aoh::Result list_drafts(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                        const host::Account& account);
aoh::Result show_draft(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                       const host::Account& account);
aoh::Result send_draft(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                       const host::Account& account);
aoh::Result discard_draft(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                          const host::Account& account);

}  // namespace mailroom::tools
