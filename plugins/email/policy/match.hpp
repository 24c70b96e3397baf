// A blueprint's `match`: which messages it wants. Pure.
#pragma once
#include <memory>
#include <string>

#include "policy/condition.hpp"
#include "policy/facts.hpp"
#include "support/json.hpp"

namespace mailroom::policy {

/// All given conditions must hold (docs/rules.md). Regexes are RE2 (linear time), case-insensitive, searched
/// anywhere in the text. Immutable after compile; any thread.
class Match {
 public:
  /// Throws Failure(config) naming the condition: see compile_condition().
  static Match compile(const aoh::Json& match);

  /// `folder` at the top is not tested: it is the mailbox that is watched.
  Outcome test(const Facts& facts) const;

  const std::string& folder() const { return folder_; }  ///< "INBOX" when not given

 private:
  std::string folder_ = "INBOX";
  std::shared_ptr<const Patterns> patterns_;
  Condition condition_;
};

}  // namespace mailroom::policy
