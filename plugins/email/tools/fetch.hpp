// email_fetch.
#pragma once
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// One message: {"message": {...}}, with format raw also {"raw": {"blob", "size", "sha256", "text"?}}.
/// Several
/// (`uids`, at most 20): {"messages": [...], "unreadable": [{uid, error}]}, each with its "raw". Downloads
/// only the parts asked for; sets \Seen only with `mark_seen`, which wants the grant manage.
aoh::Result email_fetch(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
