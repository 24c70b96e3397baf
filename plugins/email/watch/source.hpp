// What a watcher was asked to watch: the source with its blueprints. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/match.hpp"
#include "support/json.hpp"
#include "watch/rule_sets.hpp"

namespace mailroom::watch {

/// `start_from`: what counts of the mail that is there at the very first start.
struct StartFrom {
  enum class Kind { now, unseen, all, date } kind = Kind::now;
  std::int64_t date_s = 0;  ///< date: messages whose INTERNALDATE is not before it

  /// "now", "unseen", "all", "2026-11-23" or an RFC 3339 time. Throws Failure(config).
  static StartFrom parse(std::string_view text);
  bool admits(bool seen, std::optional<std::int64_t> internal_date_s) const;
};

struct Blueprint {
  std::string id;
  policy::Match match;
  StartFrom start;
};

struct Source {
  std::string trigger_id, credential_id, mailbox = "INBOX";
  std::vector<Blueprint> blueprints;
  std::shared_ptr<const RuleSet> rules = std::make_shared<RuleSet>();
  std::string asked;  ///< JSON [{"id", "match"}] of the blueprints as the host gave them

  /// From trigger_start's source_json. Throws Failure(config) naming blueprint or rule, and field. `sets`:
  /// where others may have compiled the same rules.
  static Source from(const aoh::Json& json, RuleSets* sets = nullptr);
};

}  // namespace mailroom::watch
