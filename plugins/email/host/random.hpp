// Randomness for those levels that may not make their own.
#pragma once
#include <cstdint>
#include <string>

namespace mailroom::host {

/// Letters and digits from the operating system's generator, 5 bits each: for fences, Message-IDs,
/// boundaries, keys of objects. Throws Failure(internal) when it gives none.
std::string random_token(std::size_t chars = 24);
std::uint64_t random_number();

}  // namespace mailroom::host
