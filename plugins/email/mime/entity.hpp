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
  std::string multipart;   ///< "mixed", "alternative", "related"; empty for a leaf
  bool plain = false;      ///< the body is not encoded: a boundary could occur in it
  bool eight_bit = false;  ///< it, or a child, has bytes beyond ASCII
  std::vector<Entity> children;
};

/// A leaf of `type` ("text/plain"): 7bit when it is ASCII in lines of at most 998; 8bit when `eight_bit_ok`
/// and it is UTF-8 in such lines; else quoted-printable or base64, whichever is smaller. Line ends become
/// CRLF. Throws Failure(invalid) naming `where` when `text` is not UTF-8.
Entity text_entity(std::string_view type, std::string_view text, std::string_view where, bool eight_bit_ok);

/// A file in base64. `content_id` may be empty; `shown`: within the HTML, by that id. Throws Failure(invalid)
/// naming the field below `where`.
///
/// A message/rfc822 may not be encoded (RFC 2046 §5.2.1). It goes as it is, 7bit or (with `eight_bit_ok`)
/// 8bit, when its line ends are all CRLF or all LF (which become CRLF), its lines have at most 998 bytes and
/// it has no NUL. Else, and so for every other message/*, its bytes go unchanged as an
/// application/octet-stream in base64 under a name that ends in .eml: a reader opens it, no relay breaks it.
Entity attachment_entity(const DraftAttachment& a, const std::string& where, std::string_view content_id,
                         bool shown, bool eight_bit_ok);
Entity multipart_entity(std::string kind, std::vector<Entity> children);

/// Appends the entity to a header in `out`. The boundaries come from `seed`, at least 8 bytes.
void write_entity(const Entity& entity, std::string_view seed, std::string& out);

}  // namespace mailroom::mime
