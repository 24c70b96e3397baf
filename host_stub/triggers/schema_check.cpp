#include "triggers/schema_check.hpp"

#include <optional>

namespace aoh::host {
namespace {

using Names = std::vector<std::string_view>;

/// Names of the properties of an object schema that allows no others; unset when it allows others.
std::optional<Names> closed_names(const Schema& schema) {
  if (schema.json()["additionalProperties"] != Json(false)) return std::nullopt;
  Names names;
  for (const auto& property : schema.json()["properties"].members()) names.push_back(property.key);
  return names;
}

/// Of a name that does not belong there, the name's own place; else the value's.
YamlPlace place_of(const YamlNode& node, const std::string& pointer, bool of_name) {
  if (of_name) {
    const auto slash = pointer.rfind('/');
    const YamlNode& map = node.at_pointer(pointer.substr(0, slash));
    for (const auto& member : map.members)
      if (member.key == pointer.substr(slash + 1)) return member.at;
  }
  return node.at_pointer(pointer).at;
}

void check_schema(const Schema& schema, const YamlNode& node, std::string_view where, Problems& problems) {
  for (const auto& problem : schema.validate(node.json())) {
    std::string message(where);
    for (const char c : problem.pointer) message += c == '/' ? '.' : c;
    message += ": expected " + problem.expected + ", came " + problem.came;
    if (!problem.hint.empty()) message += "; " + problem.hint;
    problems.add(place_of(node, problem.pointer, problem.came == kUnknownProperty), message);
  }
}

}  // namespace

/// An unknown field is reported with its key's own place first; the schema would only know the place of its
/// map.
void check_object(const Schema& schema, const YamlNode& node, std::string_view where, Problems& problems) {
  const auto before = problems.count();
  if (const auto names = closed_names(schema)) check_keys(node, where, *names, problems);
  if (problems.count() == before) check_schema(schema, node, where, problems);
}

}  // namespace aoh::host
