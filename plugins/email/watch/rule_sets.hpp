// Rules compiled once for all watchers that have the same.
#pragma once
#include <memory>
#include <mutex>
#include <string>

#include "policy/rules.hpp"

namespace mailroom::watch {

struct RuleSet {
  policy::Rules rules;
  std::string text = "[]";  ///< the JSON that they are from
};

/// Thread-safe.
class RuleSets {
 public:
  /// Throws what policy::Rules::compile does.
  std::shared_ptr<const RuleSet> of(const aoh::Json& rules) {
    auto set = std::make_shared<RuleSet>();
    if (rules.is_array() && !rules.empty()) set->text = rules.dump();
    const std::lock_guard lock(mutex_);
    if (auto same = last_.lock(); same && same->text == set->text) return same;
    set->rules = policy::Rules::compile(rules);
    last_ = set;
    return set;
  }

 private:
  std::mutex mutex_;
  std::weak_ptr<const RuleSet> last_;
};

}  // namespace mailroom::watch
