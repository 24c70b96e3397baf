// CMS (RFC 5652, RFC 8551) as far as a reader without keys goes (internal to mime/).
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::mime {

inline constexpr std::size_t kMaxCmsBytes = 16u << 20;  ///< of one part that is looked into

/// "smime-encrypted", "smime-signed", "smime-compressed", "smime-certificates" by what the bytes are; "" when
/// they are no CMS, or more than kMaxCmsBytes.
std::string cms_kind(std::string_view der);

/// What was signed, of signed data that holds it: a MIME entity as a rule. The signature is not verified.
std::optional<std::string> cms_signed_content(std::string_view der);

}  // namespace mailroom::mime
