// SASLprep (RFC 4013): one form for user names and passwords that look the same. Pure.
#pragma once
#include <string_view>

#include "support/secret.hpp"

namespace mailroom::auth {

enum class Prepared {
  query,   ///< a user name: code points that Unicode 3.2 did not know pass (RFC 3454 §7)
  stored,  ///< a password
};

/// `utf8` prepared. What SASLprep prohibits, as emoji in a password are, comes back as it is: whoever stored
/// it had to leave it as it is, too.
aoh::Secret saslprep(std::string_view utf8, Prepared how);

}  // namespace mailroom::auth
