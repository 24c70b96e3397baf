// A Message as the JSON of SPEC §2.
#pragma once
#include <cstddef>

#include "mime/message.hpp"
#include "support/json.hpp"

namespace mailroom::mime {

enum class Format {
  summary,  ///< no text or html; attachments are named
  text,     ///< `text`, no `html`
  full,     ///< `text` and `html`
};

struct RenderOptions {
  Format format = Format::text;
  bool headers = false;                    ///< `headers` as a list of {name, value}
  std::size_t text_offset = 0;             ///< the window of `text` and `html` begins here, bytes of UTF-8
  std::size_t max_text_bytes = 64u << 10;  ///< and is at most this long; what is cut makes `truncated`
  std::size_t max_addresses = 500;         ///< of each list
  std::size_t max_attachments = 500;
  std::size_t max_header_bytes = 64u << 10;  ///< of `headers` in all
};

/// The JSON of a message. Absent is absent; `untrusted` is always true. When something was cut, `truncated`
/// is an object:
/// {"text": {"offset", "shown", "total"}, "html": {...}, "attachments": {"shown", "total"}, ..., "limits":
/// true}, else it is absent. `flags`, `mailbox`, `uid`, `uid_validity`, `thread_id` and `authentication` are
/// the caller's to add.
aoh::Json to_json(const Message& message, const RenderOptions& options = {});

}  // namespace mailroom::mime
