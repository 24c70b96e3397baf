// SHA-256.
#pragma once
#include <string>
#include <string_view>

namespace mailroom::host {

/// Lower-case hex. Throws Failure(internal) where the library has none.
std::string sha256_hex(std::string_view bytes);

}  // namespace mailroom::host
