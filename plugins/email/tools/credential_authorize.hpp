// Signing a person in to an account (OAuth 2), for the command line.
#pragma once
#include <string_view>

#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// [worker] Blocks until somebody has signed in, or the call ends; what to do comes as progress.
aoh::Result credential_authorize(const Toolbox& box, std::string_view credential_id, aoh::Call& call);

}  // namespace mailroom::tools
