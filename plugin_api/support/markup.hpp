// Text within HTML and XML.
#pragma once
#include <string>
#include <string_view>

namespace aoh {

/// Appends `text` with & < > " ' as references: safe between tags and in an attribute that stands in quotes.
void escape_markup(std::string& out, std::string_view text);
std::string escaped_markup(std::string_view text);

}  // namespace aoh
