// email_attachment.
#pragma once
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// {"attachment": {"part", "filename", "original_filename"?, "mime_type", "size"?, ...}} with, by `as`: blob:
/// "blob", "sha256"; text: "text", and "truncated" where it goes on; link: "link" {"id", "url", "expires"},
/// which wants the grant send, for whoever has the link has the file. Sets no flag.
aoh::Result email_attachment(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

}  // namespace mailroom::tools
