// The body of what is sent as a tree of MIME entities (RFC 2045, 2046): made from text and files, then
// written with boundaries that occur in none of them. Pure; the same input gives the same bytes.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "mime/compose.hpp"

namespace mailroom::mime {

/// A part with what stands within it; leaves have `body`, multiparts `children`.
struct Entity {
  std::string
      fields;  ///< Content-*, each with CRLF; a multipart's Content-Type comes when its boundary is known
  std::string body;
  std::string multipart;  ///< "mixed", "alternative", "related"; empty for a leaf
  std::vector<Entity> children;
};

/// Throws Failure(invalid): "the message cannot be composed: WHERE WHAT".
[[noreturn]] void refuse(const std::string& where, std::string_view what, std::string cure = {});

/// A leaf of `type` ("text/plain"), in the encoding that suits it best: 7bit, quoted-printable or base64.
/// Throws Failure(invalid) naming `where` when `text` is not UTF-8.
Entity text_entity(std::string_view type, std::string_view text, std::string_view where);
/// A file; `within_html`: HTML shows it and finds it by its content_id. Throws Failure(invalid) naming the
/// field below `where`.
Entity attachment_entity(const DraftAttachment& a, const std::string& where, bool within_html);
Entity multipart_entity(std::string kind, std::vector<Entity> children);

/// Appends the entity to a header in `out`. The boundaries come from `seed`, at least 8 bytes.
void write_entity(const Entity& entity, std::string_view seed, std::string& out);

}  // namespace mailroom::mime
