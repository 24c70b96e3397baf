// A part of a file against a module's schema: each complaint names its place in the file. Pure.
#pragma once
#include <string_view>

#include "loader/schema.hpp"
#include "sessions/yaml.hpp"

namespace aoh::host {

/// Reports what is wrong with `node` by `schema`, each at its own line and column: an unknown name, however
/// deep, at the name, with the nearest known one. `where` names the node: "trigger.match".
void check_object(const Schema& schema, const YamlNode& node, std::string_view where, Problems& problems);

}  // namespace aoh::host
