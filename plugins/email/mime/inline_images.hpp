// What HTML shows from within its own message: `data:` URIs that become parts, and what it calls by `cid:`
// (RFC 2392, 2397; internal to mime/).
//
// Reads tags, attributes and raw text as HTML's tokenizer does (WHATWG HTML §13.2.5), so that an URI in a
// comment, a script or a text is left alone; the conditional comments that Outlook reads are read. Linear in
// the size of the HTML.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "mime/compose.hpp"

namespace mailroom::mime {

struct InlineHtml {
  std::string html;  ///< with `cid:` where data: stood; meaningless unless `changed`
  bool changed = false;
  std::vector<DraftAttachment> images;  ///< one for each different image, in the order of the HTML
  std::vector<std::string> cids;        ///< what stands behind `cid:`, as written, once each
};

/// The images get the Content-IDs "image1.ID_SUFFIX", "image2.ID_SUFFIX" ...; `id_suffix` is
/// "token@example.org". Taken are base64 and percent-encoded `data:image/...` in src, background, poster, and
/// href of an SVG image. An empty one, one with a fragment, one in CSS, and other types than images stay as
/// they are. Throws Failure(invalid) for broken base64, Failure(limit) beyond `max_images` or `max_bytes` (of
/// all images, decoded).
InlineHtml inline_images(std::string_view html, std::string_view id_suffix, std::size_t max_images,
                         std::size_t max_bytes);

/// Whether a `cid:` that is written `reference` means this Content-ID: byte by byte, or after its
/// percent-encoding is undone (RFC 2392 §2).
bool names_content(std::string_view reference, std::string_view content_id);

}  // namespace mailroom::mime
