// What bodies look like, cheaply: whether two say the same, whether one is what it claims (internal to
// mime/).
#pragma once
#include <string_view>

namespace mailroom::mime {

/// The first 2 KB of each are looked at. True where both have enough words to judge and fewer than one in
/// ten of the text's stands in the HTML: two readers would be shown two messages. Says nothing of scripts
/// that have no spaces.
bool differ_entirely(std::string_view text, std::string_view html);

/// The HTML's words are the text's, nearly all of them and in about the same number.
bool same_words(std::string_view text, std::string_view html);

/// False for text that claims to be base64: a tenth of its beginning is blanks.
bool looks_like_base64(std::string_view body);

/// A body whose first line is a MIME header field, "Content-Type: ...".
bool begins_with_fields(std::string_view text);

}  // namespace mailroom::mime
