// Backgrounds, masks and filters (CSS Backgrounds 3, Masking 1, Filter Effects 1; internal to mime/). `value`
// is lower case. No picture is ever looked at: one that a reader could load may have any colour.
#pragma once
#include <string_view>

#include "mime/html_style.hpp"

namespace mailroom::mime {

/// The background shorthand.
void apply_background(std::string_view value, Style& style, bool quirks);
/// One image of a value, a url() or a gradient; anything else changes nothing.
void read_image(std::string_view word, Background& to, const Color& current, bool quirks);
/// An inset shadow as wide as a line is its ground.
void apply_inner_shadow(std::string_view value, Style& style, bool quirks);
/// Masks that let nothing through.
void apply_mask(std::string_view value, Style& style);
/// opacity(), and blur() from 8 px on.
void apply_filter(std::string_view value, Style& style);

}  // namespace mailroom::mime
