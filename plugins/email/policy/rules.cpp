#include "policy/rules.hpp"

#include <algorithm>
#include <set>

#include "base/error.hpp"
#include "policy/scan.hpp"

namespace mailroom::policy {
namespace {

constexpr std::size_t kNameBytes = 200;

Rule rule_from(const aoh::Json& j, const std::string& where, Patterns& patterns) {
  if (!j.is_object()) throw Failure(Errc::config, where + " is not a rule", where);
  for (const auto& m : j.members())
    if (m.key != "name" && m.key != "credential_id" && m.key != "match" && m.key != "do" &&
        m.key != "continue")
      throw Failure(Errc::config, where + " has an unknown field: " + printable(m.key, 60), where,
                    "Use name, credential_id, match, do, continue");
  Rule r;
  r.name = j["name"].str();
  if (r.name.empty() || r.name.size() > kNameBytes)
    throw Failure(Errc::config, where + " has no name, or a long one", where + ".name",
                  "Give it one of at most " + std::to_string(kNameBytes) + " bytes");
  r.credential_id = j["credential_id"].str();
  r.when = compile_condition(j.has("match") ? j["match"] : aoh::Json::object(), where + ".match", patterns);
  r.actions = j["do"];
  if (!r.actions.is_object() || r.actions.empty())
    throw Failure(Errc::config, where + " does nothing", where + ".do",
                  "Say what is to be done, such as ignore: true");
  if (r.actions.has("rate_limit"))
    r.limit_s = std::max<std::int64_t>(1, static_cast<std::int64_t>(duration_s(
                                              r.actions["rate_limit"]["per"], where + ".do.rate_limit.per")));
  r.go_on = j["continue"].boolean();
  return r;
}

}  // namespace

Rules Rules::compile(const aoh::Json& json) {
  Rules out;
  if (json.empty()) return out;
  if (json.size() > kRules)
    throw Failure(Errc::config, "there are more than " + std::to_string(kRules) + " rules", "rules");
  auto patterns = std::make_shared<Patterns>();
  auto rules = std::make_shared<std::vector<Rule>>();
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const std::string where = "rules." + std::to_string(i);
    if (!names.insert(json.at(i)["name"].str()).second)
      throw Failure(Errc::config, where + " has the name of another rule", where + ".name",
                    "Name each differently");
    rules->push_back(rule_from(json.at(i), where, *patterns));
  }
  patterns->finish();
  out.patterns_ = std::move(patterns);
  out.rules_ = std::move(rules);
  return out;
}

Rules::Decision Rules::decide(const Facts& facts, std::string_view credential_id) const {
  return ask(facts, credential_id, false);
}
Rules::Decision Rules::explain(const Facts& facts, std::string_view credential_id) const {
  return ask(facts, credential_id, true);
}

Rules::Decision Rules::ask(const Facts& facts, std::string_view credential_id, bool note) const {
  Decision d;
  if (!rules_) return d;
  Scan scan(*patterns_, facts);
  for (std::size_t i = 0; i < rules_->size(); ++i) {
    const Rule& rule = (*rules_)[i];
    const bool for_it = rule.credential_id.empty() || rule.credential_id == credential_id;
    Outcome o;
    if (for_it)
      o = scan.test(rule.when);
    else
      o.why = "credential_id";
    if (note) d.asked.push_back(o);
    if (o.truth == Truth::unknown) {
      d.open = true;
      d.needs_parts = o.needs_parts;
      d.needs_text = o.needs_text;
      return d;
    }
    if (o.truth == Truth::no) continue;
    d.hits.push_back(i);
    if (!rule.go_on) break;
  }
  return d;
}

const std::vector<Rule>& Rules::none() {
  static const std::vector<Rule> kNone;
  return kNone;
}

}  // namespace mailroom::policy
