// email_fetch.
#pragma once
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// {"message": {...}}, with format raw also {"raw": {"blob", "size", "sha256"}}. Downloads only the parts
/// asked for; never sets \Seen.
aoh::Result email_fetch(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
