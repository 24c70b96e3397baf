// Elements by what they are to a reader of text (internal to mime/).
#pragma once
#include <gumbo.h>

#include "mime/html_style.hpp"

namespace mailroom::mime {

/// Holds no text of the message, or none that a browser draws.
bool is_dropped(GumboTag tag);
/// Line ends that an element stands between: 0 within the line, 1 on a line, 2 with an empty line around.
int block_of(GumboTag tag, const Style& style);

}  // namespace mailroom::mime
