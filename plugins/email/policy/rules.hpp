// The rules file: ordered rules, which of them a message hits, and what they say is to be done. Pure.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "policy/condition.hpp"
#include "policy/facts.hpp"
#include "support/json.hpp"

namespace mailroom::policy {

/// One rule: for whom, when, and what then.
struct Rule {
  std::string name;           ///< unique in its file
  std::string credential_id;  ///< only mail of this account; empty: of every one
  Condition when;
  aoh::Json actions;         ///< {"flag": [...], "move": "Archive", ...}, as the file has them
  std::int64_t limit_s = 0;  ///< rate_limit's `per`
  bool go_on = false;        ///< `continue`: the next rules are asked, too
};

/// Immutable after compile; copies share it; any thread. However many rules there are, each field of a
/// message is searched once for all their patterns (policy/patterns.hpp).
class Rules {
 public:
  static constexpr std::size_t kRules = 2'000;

  /// A list of {"name", "credential_id", "match", "do", "continue"}; null: none. Throws Failure(config) whose
  /// `where` is "rules.12.match.from_regex" or the like.
  static Rules compile(const aoh::Json& rules);

  /// What a message hits: the first rule that matches and, while those `continue`, the next ones.
  struct Decision {
    bool open = false;  ///< a rule cannot be told yet: the message's parts or text must be known first
    bool needs_parts = false, needs_text = false;  ///< open: which
    std::vector<std::size_t> hits;                 ///< of rules(), ascending
    /// Of every rule that was asked, with explain(): its outcome.
    std::vector<Outcome> asked;
  };
  Decision decide(const Facts& facts, std::string_view credential_id) const;
  Decision explain(const Facts& facts, std::string_view credential_id) const;

  const std::vector<Rule>& rules() const { return rules_ ? *rules_ : none(); }
  bool empty() const { return rules().empty(); }

 private:
  static const std::vector<Rule>& none();
  Decision ask(const Facts& facts, std::string_view credential_id, bool note) const;

  std::shared_ptr<const Patterns> patterns_;
  std::shared_ptr<const std::vector<Rule>> rules_;
};

}  // namespace mailroom::policy
