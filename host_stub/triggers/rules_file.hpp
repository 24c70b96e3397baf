// The rules file: what is done with a source's messages before any blueprint is asked. Read from YAML or
// JSON.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "sessions/yaml.hpp"
#include "triggers/catalog.hpp"

namespace aoh::host {

/// Limits of a rules file; all finite.
struct RulesLimits {
  static constexpr std::size_t kRules = 2'000;
  static constexpr YamlLimits kYaml{4u << 20, 32, 200'000};
};

/// One rules file, checked. A value.
struct RulesFile {
  std::string source;  ///< whose messages: "email"
  Json rules;          ///< for the module: [{"name", "credential_id", "match", "do", "continue"}]
};

/// Reads and checks {source, rules: [{name, credential_id, match, do, continue}]}: the conditions by the
/// source's match_schema, what is done by its rule_actions, blueprints to start by `blueprints`; names that
/// stand twice, and rules that no message can reach. `source` may be left out where one source has rules.
/// Throws DocumentError, one line a problem with line and column; `file` is the name shown.
RulesFile parse_rules(std::string_view text, std::string_view file, const Catalog& catalog,
                      const std::vector<std::string>& blueprints);
/// The same, of a text that was good once: blueprints that it starts may have gone since.
RulesFile parse_old_rules(std::string_view text, std::string_view file, const Catalog& catalog);

}  // namespace aoh::host
