// An error as programs read it.
#pragma once
#include "base/error.hpp"
#include "support/json.hpp"

namespace mailroom {

/// {"code", "what", "where", "server_said", "cure", "temporary"}; what is empty is left out.
aoh::Json error_json(const Error& error);

}  // namespace mailroom
