// HTML as a person reads it in a browser, and what that person does not see (for mime/ and for readers of
// HTML files; SPEC §6).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "mime/message.hpp"

namespace mailroom::mime {

struct HtmlText {
  std::string text;
  std::vector<Warning> warnings;  ///< hidden_..., generated_text, link_differs, embedded_font, limit_css
};

/// `subject`: a title that says the same is not told. Limits: those of html_guard.hpp and css_sheet.hpp, and
/// 8 million steps of matching selectors; where one is passed, "limit_css" says that hidden text may be in
/// `text`.
HtmlText read_html(std::string_view html, std::size_t max_bytes, std::string_view subject = {});

}  // namespace mailroom::mime
