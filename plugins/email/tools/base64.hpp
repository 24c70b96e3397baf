// Base64 of tool arguments (RFC 4648 §4): strict, not as lenient as mail needs it.
#pragma once
#include <string>
#include <string_view>

namespace mailroom::tools {

/// White space is skipped, padding may be missing. Throws Failure(invalid) naming `field` for anything else.
std::string decode_base64(std::string_view text, std::string_view field);

}  // namespace mailroom::tools
