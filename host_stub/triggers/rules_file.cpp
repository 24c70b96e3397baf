#include "triggers/rules_file.hpp"

#include <map>
#include <set>

#include "triggers/schema_check.hpp"

namespace aoh::host {
namespace {

using Names = std::vector<std::string_view>;

const Names kFileKeys = {"source", "rules"};
const Names kRuleKeys = {"name", "credential_id", "match", "do", "continue"};
constexpr std::size_t kNameBytes = 200;

class Reader {
 public:
  /// `blueprints` null: any may be started.
  Reader(const TriggerSource& source, const std::vector<std::string>* blueprints, Problems& problems)
      : source_(source), problems_(problems), any_blueprint_(blueprints == nullptr) {
    if (blueprints != nullptr) blueprints_.insert(blueprints->begin(), blueprints->end());
  }

  Json list(const YamlNode& rules) {
    Json out = Json::array();
    if (!rules.is_list()) {
      problems_.add(rules.at, "rules must be a list of rules, each beginning with `- name:`");
      return out;
    }
    if (rules.items.size() > RulesLimits::kRules)
      problems_.add(rules.items[RulesLimits::kRules].at, "there are more than 2000 rules");
    for (std::size_t i = 0; i < rules.items.size() && i < RulesLimits::kRules; ++i) {
      if (!ends_at_.empty()) {
        problems_.add(rules.items[i].at,
                      "no message comes this far: the rule \"" + ends_at_ +
                          "\" takes every one; give it a match, or continue: true, or put it last");
        break;
      }
      out.push(rule(rules.items[i], "rules." + std::to_string(i)));
    }
    return out;
  }

 private:
  Json rule(const YamlNode& node, const std::string& where) {
    if (!node.is_map()) {
      problems_.add(node.at, where + " must be a map with name, match and do; here is " + node.type_name());
      return {};
    }
    check_keys(node, where, kRuleKeys, problems_);
    Json out{{"name", name(node, where)}};
    if (const auto id = text_field(node, where, "credential_id", false, problems_); !id.empty())
      out.set("credential_id", id);
    out.set("match", Json::object());
    if (const auto* match = node.find("match")) {
      check_object(source_.match, *match, where + ".match", problems_);
      out.set("match", match->json());
    }
    const auto* actions = node.find("do");
    if (actions == nullptr || !actions->is_map() || actions->members.empty()) {
      problems_.add(actions == nullptr ? node.at : actions->at,
                    where + ".do is missing or empty: what is to be done? such as `do: {ignore: true}`");
    } else {
      check_object(*source_.actions, *actions, where + ".do", problems_);
      starts(*actions, where + ".do");
      out.set("do", actions->json());
    }
    if (const auto* go_on = node.find("continue")) {
      if (!go_on->scalar.is_bool()) problems_.add(go_on->at, where + ".continue must be true or false");
      out.set("continue", go_on->scalar.boolean());
    }
    if (out["match"].empty() && !out.has("credential_id") && !out["continue"].boolean())
      ends_at_ = out["name"].str();
    return out;
  }

  std::string name(const YamlNode& node, const std::string& where) {
    std::string name = text_field(node, where, "name", true, problems_);
    const auto* place = node.find("name");
    if (name.empty() || place == nullptr) return name;
    if (name.size() > kNameBytes) problems_.add(place->at, where + ".name is longer than 200 bytes");
    const auto [known, fresh] = names_.try_emplace(name, place->at.line);
    if (!fresh)
      problems_.add(place->at, where + ".name is the name of the rule at line " +
                                   std::to_string(known->second) + ", too; name each differently");
    return name;
  }

  void starts(const YamlNode& actions, const std::string& where) {
    struct Pair {
      const char *one, *other, *what;
    };
    for (const auto& [one, other, what] :
         {Pair{"start", "ignore", "starts a blueprint and ignores the message"},
          {"start", "quarantine", "starts a blueprint and quarantines the message"},
          {"move", "quarantine", "moves the message and quarantines it"}})
      if (const auto* both = actions.find(one); both != nullptr && actions.find(other) != nullptr)
        problems_.add(both->at, where + " both " + what + "; keep one of them");
    const auto* start = actions.find("start");
    if (start == nullptr) return;
    const auto one = [&](const YamlNode& id) {
      if (any_blueprint_ || !id.scalar.is_string() || blueprints_.contains(id.scalar.str())) return;
      std::string message = where + ".start: there is no blueprint \"" +
                            std::string(utf8_prefix(id.scalar.str(), 60)) + "\" in this home";
      const auto near = nearest_name(id.scalar.str(), Names(blueprints_.begin(), blueprints_.end()));
      problems_.add(id.at, message + (near.empty() ? "; blueprint list shows them"
                                                   : "; did you mean \"" + std::string(near) + "\"?"));
    };
    if (!start->is_list()) one(*start);
    for (const auto& item : start->items) one(item);
  }

  const TriggerSource& source_;
  Problems& problems_;
  const bool any_blueprint_;
  std::set<std::string, std::less<>> blueprints_;
  std::map<std::string, int, std::less<>> names_;  // and the line
  std::string ends_at_;                            // the rule that takes every message
};

const TriggerSource* source_of(const Catalog& catalog, const YamlNode& root, Problems& problems) {
  const std::string wanted = text_field(root, "", "source", false, problems);
  Names known;
  const TriggerSource* found = nullptr;
  for (const auto& s : catalog.sources) {
    if (!s.actions) continue;
    known.push_back(s.source);
    if (wanted.empty() || s.source == wanted) found = &s;
  }
  if (found != nullptr && (!wanted.empty() || known.size() == 1)) return found;
  const auto* place = root.find("source");
  std::string message = wanted.empty() ? "source is missing" : "no loaded module has rules for this source";
  message += "; there is:";
  for (const auto name : known) message += " " + std::string(name);
  problems.add(place == nullptr ? root.at : place->at, message + (known.empty() ? " none" : ""));
  return nullptr;
}

RulesFile parse(std::string_view text, std::string_view file, const Catalog& catalog,
                const std::vector<std::string>* blueprints) {
  const YamlNode root = parse_yaml(text, file, RulesLimits::kYaml);
  Problems problems{std::string(file)};
  if (!root.is_map()) {
    problems.add(root.at, std::string("a rules file is a map with `rules`; here is ") + root.type_name());
    problems.raise();
  }
  check_keys(root, "", kFileKeys, problems);
  RulesFile out;
  const auto* source = source_of(catalog, root, problems);
  const auto* rules = root.find("rules");
  if (rules == nullptr) problems.add(root.at, "rules is missing: a list of rules, which may be empty ([])");
  if (source != nullptr && rules != nullptr) {
    out.source = source->source;
    out.rules = Reader(*source, blueprints, problems).list(*rules);
  }
  problems.raise();
  return out;
}

}  // namespace

RulesFile parse_rules(std::string_view text, std::string_view file, const Catalog& catalog,
                      const std::vector<std::string>& blueprints) {
  return parse(text, file, catalog, &blueprints);
}

RulesFile parse_old_rules(std::string_view text, std::string_view file, const Catalog& catalog) {
  return parse(text, file, catalog, nullptr);
}

}  // namespace aoh::host
