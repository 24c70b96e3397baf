// Base64 as SASL uses it in both protocols (RFC 4648 §4).
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "support/secret.hpp"

namespace mailroom::auth {

/// Padded, without line breaks.
aoh::Secret base64(std::string_view bytes);
/// Strict: padding required, no other characters. Nothing when `text` is not base64.
std::optional<std::string> unbase64(std::string_view text);

}  // namespace mailroom::auth
