// Transforms, clip and clip-path (CSS Transforms 2, CSS Masking 1, CSS Shapes 1; internal to mime/). `value`
// is lower case; what is not understood leaves the element as it is.
#pragma once
#include <string_view>

#include "mime/html_style.hpp"

namespace mailroom::mime {

/// Scales and shifts of `transform`; a turn out of the page's plane is a scale.
void apply_transform(std::string_view value, Style::Box& box);
/// clip: rect(top, right, bottom, left) of which at most 2 pixels are left.
bool empty_rect(std::string_view value);
/// A clip-path that leaves nothing, as far as it can be told without a layout: per cents count, pixels when
/// they are more than a page has.
bool clip_path_empty(std::string_view value);

}  // namespace mailroom::mime
