// Whether a body is what it claims, cheaply (internal to mime/).
#pragma once
#include <string_view>

namespace mailroom::mime {

/// False for text that claims to be base64: a tenth of its beginning is blanks.
bool looks_like_base64(std::string_view body);

/// A body whose first line is a MIME header field, "Content-Type: ...".
bool begins_with_fields(std::string_view text);

}  // namespace mailroom::mime
