// The walk through gumbo's tree: text that is seen is written, text that is not is told (internal to mime/).
#pragma once
#include <gumbo.h>

#include <cstddef>
#include <string>

#include "mime/hidden_text.hpp"
#include "mime/html_style.hpp"

namespace mailroom::mime {

/// With a stack of its own: a tree can be as deep as the sender likes. At most `max` bytes.
std::string walk_html(const GumboNode* root, Styler& styler, HiddenLog& log, std::size_t max);

}  // namespace mailroom::mime
