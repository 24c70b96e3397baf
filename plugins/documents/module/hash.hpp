// SHA-256 of a file.
#pragma once
#include <string>

namespace mailroom::documents {

/// Lower-case hex of what can be read from `fd` from its beginning; the offset stays. Throws
/// Failure(internal).
std::string sha256_of(int fd);

}  // namespace mailroom::documents
