// The readable text of an attached file.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "mime/compose.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// Text of any length, read piece by piece.
struct AttachmentText {
  std::uint64_t size = 0;  ///< bytes of UTF-8
  std::function<std::string(std::uint64_t offset, std::size_t n)> read;
  std::string by;          ///< who read it: "" for us
  aoh::Json calendar;      ///< of a text/calendar: its items, as in a message's JSON; or null
  aoh::Json warnings;      ///< array of {code, detail}, or null
  bool truncated = false;  ///< the file has more text than was read
};

/// Text, HTML (what a person would see of it) and messages.
AttachmentText text_of(const mime::DraftAttachment& file, const std::string& mime_type);

/// Any other file: by the host's extraction service (aoh.extract/1), on the blob that holds it. Throws
/// Failure: unsupported (no such service, or nobody there reads such files; or this one cannot be read),
/// temporary.
AttachmentText extracted(const host::Services& services, const aoh::Call& call, const aoh::Json& blob,
                         const std::string& filename, const std::string& mime_type);

/// Puts the 64 KB of text from `offset` on into `json`: text, warnings, truncated. Returns what to say of the
/// rest.
std::string put_text(const AttachmentText& text, std::size_t offset, aoh::Json& json);

}  // namespace mailroom::tools
