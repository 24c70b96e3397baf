// What the rules that a message hits say is to be done with it, all together. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "policy/rules.hpp"

namespace mailroom::policy {

struct Orders {
  struct Limit {
    std::string rule;
    std::int64_t messages = 0, per_s = 0;  ///< of one sender
  };
  /// On which terms somebody gets the message, as the rules up to then have it.
  struct Terms {
    std::size_t limits = 0;  ///< the first so many of `limits`
    std::string approval;    ///< a person must let it go: the rule that says so; empty: no rule does
  };
  struct Start {
    std::string blueprint, rule;
    Terms terms;
  };
  std::vector<Start> starts;  ///< in the rules' order, each blueprint once
  std::string ended_by;       ///< no other blueprint gets it: the rule that says so; empty: none does
  Terms terms;                ///< of the blueprints that get it by their own match

  std::vector<std::string> flags, labels;  ///< to set, each once
  std::string move_to;  ///< empty: it stays. The first rule counts, a quarantine before any
  bool quarantined = false;
  std::vector<std::string> changed_by;  ///< rules that set, label or move

  std::string template_name;  ///< of the automatic answer; empty: none. The first rule counts
  aoh::Json template_data;
  std::string answered_by;  ///< the rule
  Terms answer_terms;       ///< its approval means nothing

  std::vector<Limit> limits;
};

/// `hits` as Rules::decide gives them.
Orders orders_of(const Rules& rules, const std::vector<std::size_t>& hits);

}  // namespace mailroom::policy
