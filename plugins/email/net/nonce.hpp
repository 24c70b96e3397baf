// A random text that nobody can foresee, for protocols that ask for one.
#pragma once
#include <string>

namespace mailroom::net {

/// 32 characters of base64 from 24 random bytes. Throws Failure(internal) where the machine has none.
std::string nonce();

}  // namespace mailroom::net
