// The files that a tool's arguments name, with their bytes.
#pragma once
#include <vector>

#include "mime/compose.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// The argument `attachments`. Throws Failure that names the field: not exactly one source, a path outside
/// files_root, a blob that the caller may not read, more bytes than a message may have.
std::vector<mime::DraftAttachment> attachments_of(const Toolbox& box, const aoh::Json& args,
                                                  const aoh::Call& call);

}  // namespace mailroom::tools
