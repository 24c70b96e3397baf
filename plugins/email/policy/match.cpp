#include "policy/match.hpp"

#include "policy/scan.hpp"

namespace mailroom::policy {

Match Match::compile(const aoh::Json& match) {
  Match m;
  aoh::Json conditions = match.is_null() ? aoh::Json::object() : match;
  if (match.has("folder")) m.folder_ = match["folder"].str_or("INBOX");
  conditions.erase("folder");
  auto patterns = std::make_shared<Patterns>();
  m.condition_ = compile_condition(conditions, "match", *patterns);
  patterns->finish();
  m.patterns_ = std::move(patterns);
  return m;
}

Outcome Match::test(const Facts& facts) const { return Scan(*patterns_, facts).test(condition_); }

}  // namespace mailroom::policy
