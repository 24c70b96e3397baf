// A condition on a message, as a tree. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/patterns.hpp"
#include "support/json.hpp"

namespace mailroom::policy {

struct Condition {
  enum class Kind {
    all,             ///< every one of `children`; also the plain list of conditions that a match is
    any,             ///< at least one of them
    negation,        ///< not its only child
    folder,          ///< the mailbox is one of `words`
    pattern,         ///< `pattern` is found
    mime_type,       ///< the message's type, or a part's, is one of `words`, "image/*"
    attachment,      ///< one attachment for which all children hold: name, mime_type, larger, smaller
    larger,          ///< more than `number` bytes
    smaller,         ///< fewer
    authentication,  ///< the verdict of `method` is one of `words`; "unknown": nobody trusted said one
    flags,           ///< all of `words` are set
    older,           ///< arrived more than `number` seconds ago
    newer,           ///< less
  };
  Kind kind = Kind::all;
  std::string name;  ///< as a person wrote it: "from_regex", "header_regex.X-Spam"
  std::vector<Condition> children;
  Patterns::Ref pattern;
  std::vector<std::string> words;
  std::string method;  ///< "spf", "dkim", "dmarc"
  std::uint64_t number = 0;
};

/// Limits of a match; all finite.
struct ConditionLimits {
  static constexpr int kDepth = 8;                 ///< of all, any, not
  static constexpr std::size_t kConditions = 500;  ///< of one match, nested ones counted
  static constexpr std::size_t kHeaders = 20;      ///< of one header_regex
  static constexpr std::size_t kWords = 50;        ///< of one list
};

/// From the JSON of a match (docs/rules.md); its patterns go to `patterns`. Throws Failure(config) whose
/// `where` begins with `where` ("match"): an unknown name, a wrong type, a bad pattern, a limit passed.
Condition compile_condition(const aoh::Json& match, const std::string& where, Patterns& patterns);

/// "90s", "30m", "72h", "7d" in seconds; at most 3660 days. Throws Failure(config) at `where`.
std::uint64_t duration_s(const aoh::Json& json, const std::string& where);

}  // namespace mailroom::policy
