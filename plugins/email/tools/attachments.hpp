// The files that a tool's arguments name, with their bytes.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "host/account.hpp"
#include "mime/compose.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// One entry of the argument `attachments`, not read yet (but for base64 and another message's part).
struct AttachmentSource {
  mime::DraftAttachment head;  ///< its bytes where they are at hand
  std::uint64_t size = 0;
  std::string blob, path;  ///< where the bytes are; both empty: in `head`
  std::string field;       ///< "attachments[2]", for errors
};
/// Throws Failure that names the field: not exactly one source, a path outside files_root, a blob that the
/// caller may not read. A part of another message is fetched here.
std::vector<AttachmentSource> attachment_sources(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                                                 const host::Account& account);
/// With its bytes, at most `max_bytes`. Throws Failure.
mime::DraftAttachment read_attachment(const Toolbox& box, AttachmentSource source, const aoh::Call& call,
                                      std::size_t max_bytes);
/// The folder that paths are resolved beneath; empty for the person at the command line.
std::string root_for(const Toolbox& box, const aoh::Call& call);

/// All of the argument `attachments`, read. Throws Failure(limit) for more bytes than a message may have.
std::vector<mime::DraftAttachment> attachments_of(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                                                  const host::Account& account);

}  // namespace mailroom::tools
