#include "triggers/blueprint.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

#include "support/template.hpp"
#include "triggers/cron_blueprint.hpp"
#include "triggers/cron_source.hpp"
#include "triggers/schema_check.hpp"

namespace aoh::host {
namespace {

using Names = std::vector<std::string_view>;

const Names kTriggerKeys = {"source",   "credential_id", "match",        "start_from",
                            "debounce", "conflict",      "max_parallel", "max_sessions_per_hour",
                            "action"};
const Names kActionKeys = {"agent_id", "session_template", "session_idle", "inputs"};
const Names kTemplates = {"per-message", "per-thread", "per-sender", "shared"};
const Names kConflicts = {"queue", "skip", "parallel"};

template <class T>
T choice(std::string_view word, const Names& names) {
  return static_cast<T>(std::find(names.begin(), names.end(), word) - names.begin());
}

/// RFC 3339 full-date, or date-time with an offset; the values are checked by the module that uses them.
bool looks_like_date(std::string_view s) {
  const auto shape = [&](std::size_t at, std::string_view pattern) {
    if (s.size() < at + pattern.size()) return false;
    for (std::size_t i = 0; i < pattern.size(); ++i) {
      const bool digit = s[at + i] >= '0' && s[at + i] <= '9';
      if (pattern[i] == '9' ? !digit : s[at + i] != pattern[i]) return false;
    }
    return true;
  };
  if (!shape(0, "9999-99-99")) return false;
  const auto month = (s[5] - '0') * 10 + s[6] - '0';
  const auto day = (s[8] - '0') * 10 + s[9] - '0';
  if (month < 1 || month > 12 || day < 1 || day > 31) return false;
  if (s.size() == 10) return true;
  if ((s[10] != 'T' && s[10] != 't' && s[10] != ' ') || !shape(11, "99:99:99")) return false;
  std::size_t at = 19;
  if (at < s.size() && s[at] == '.') {
    while (++at < s.size() && std::isdigit(static_cast<unsigned char>(s[at])) != 0) {
    }
  }
  if (at + 1 == s.size()) return s[at] == 'Z' || s[at] == 'z';
  return at + 6 == s.size() && (s[at] == '+' || s[at] == '-') && shape(at + 1, "99:99");
}

Json key_of(const TriggerSource& info, const Json& trigger, const YamlNode& node, Problems& problems) {
  Json key = Json::object();
  for (const auto& part : info.source_key) {
    Json value = trigger.path(part.path);
    if (value.is_null()) value = part.fallback;
    if (value.is_null())
      problems.add(node.at, "trigger." + part.path + " is missing; source " + info.source + " needs it");
    key.set(part.name, std::move(value));
  }
  return key;
}

std::string start_from(const YamlNode& trigger, Problems& problems) {
  const auto* node = trigger.find("start_from");
  if (node == nullptr) return "now";
  const auto& text = node->scalar.str();
  if (text == "now" || text == "unseen" || text == "all" || looks_like_date(text)) return text;
  problems.add(node->at, "trigger.start_from must be now, unseen, all, or a date such as 2026-01-31");
  return "now";
}

/// Checks the templates in every string of `node`: their syntax, and that each begins with a name that will
/// be there.
void check_templates(const YamlNode& node, const std::string& where, Problems& problems) {
  if (node.scalar.is_string()) {
    try {
      tmpl::check(node.scalar.str());
    } catch (const tmpl::TemplateError& e) {
      problems.add(node.at, where + ": " + e.what());
    }
  }
  for (const auto& item : node.items) check_templates(item, where, problems);
  for (const auto& member : node.members) check_templates(member.value, where + "." + member.key, problems);
}

void read_action(const YamlNode& trigger, Blueprint& b, Problems& problems) {
  const auto* action = trigger.find("action");
  if (action == nullptr) return problems.add(trigger.at, "trigger.action is missing: which agent is to run?");
  if (!action->is_map()) return problems.add(action->at, "trigger.action must be a map");
  constexpr std::string_view where = "trigger.action";
  check_keys(*action, where, kActionKeys, problems);
  b.agent_id = text_field(*action, where, "agent_id", true, problems);
  b.session_template = choice<SessionTemplate>(
      choice_field(*action, where, "session_template", kTemplates, "per-message", problems), kTemplates);
  b.session_idle_ns = duration_field(*action, where, "session_idle", 0, problems);
  b.inputs = Json::object();
  if (const auto* inputs = action->find("inputs")) {
    if (!inputs->is_map()) problems.add(inputs->at, "trigger.action.inputs must be a map of names to values");
    check_templates(*inputs, "trigger.action.inputs", problems);
    b.inputs = inputs->json();
  }
}

void read_on_finish(const YamlNode& root, const Catalog& catalog, Blueprint& b, Problems& problems) {
  const auto* on_finish = root.find("on_finish");
  if (on_finish == nullptr) return;
  if (!on_finish->is_map()) return problems.add(on_finish->at, "on_finish must be a map of actions");
  Names known;
  for (const auto& action : catalog.finish_actions) known.push_back(action.name);
  check_keys(*on_finish, "on_finish", known, problems);
  for (const auto& member : on_finish->members) {
    const auto* info = catalog.finish_action(member.key);
    if (info == nullptr) continue;
    if (!member.value.is_map()) {
      problems.add(member.value.at, "on_finish." + member.key + " must be a map");
      continue;
    }
    check_object(info->schema, member.value, "on_finish." + member.key, problems);
    check_templates(member.value, "on_finish." + member.key, problems);
    b.on_finish.push_back({member.key, member.value.json()});
  }
}

std::string fold_case(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return out;
}

}  // namespace

Catalog Catalog::of(const std::vector<const Manifest*>& manifests) {
  Catalog out;
  for (const auto* manifest : manifests) {
    out.sources.insert(out.sources.end(), manifest->trigger_sources.begin(), manifest->trigger_sources.end());
    out.finish_actions.insert(out.finish_actions.end(), manifest->finish_actions.begin(),
                              manifest->finish_actions.end());
  }
  return out;
}

const TriggerSource* Catalog::source(std::string_view name) const {
  for (const auto& s : sources) {
    if (s.source == name) return &s;
  }
  return nullptr;
}

const FinishAction* Catalog::finish_action(std::string_view name) const {
  for (const auto& a : finish_actions) {
    if (a.name == name) return &a;
  }
  return nullptr;
}

Json Blueprint::for_module() const {
  if (source == kCronSource)
    return Json{{"id", id}, {"schedule", schedule}, {"missed", missed == Missed::skip ? "skip" : "run_once"}};
  Json out{{"id", id}, {"match", match}, {"start_from", start_from}};
  out.set_if(!credential_id.empty(), "credential_id", credential_id);
  return out;
}

Blueprint parse_blueprint(std::string_view text, std::string_view id, std::string_view file,
                          const Catalog& catalog) {
  const YamlNode root = parse_yaml(text, file);
  Problems problems{std::string(file)};
  Blueprint b;
  b.id = id;
  if (!root.is_map()) {
    problems.add(root.at, std::string("a blueprint is a map with `trigger` and `on_finish`; here is ") +
                              root.type_name());
    problems.raise();
  }
  check_keys(root, "", {"trigger", "on_finish"}, problems);
  const auto* trigger = root.find("trigger");
  if (trigger == nullptr || !trigger->is_map()) {
    problems.add(trigger == nullptr ? root.at : trigger->at, "trigger is missing or is not a map");
    problems.raise();
  }
  b.source = text_field(*trigger, "trigger", "source", true, problems);
  const bool cron = b.source == kCronSource;
  check_keys(*trigger, "trigger", cron ? cron_trigger_keys() : kTriggerKeys, problems);
  b.credential_id = text_field(*trigger, "trigger", "credential_id", false, problems);
  b.start_from = start_from(*trigger, problems);
  b.debounce_ns = duration_field(*trigger, "trigger", "debounce", 0, problems);
  b.conflict = choice<Conflict>(choice_field(*trigger, "trigger", "conflict", kConflicts, "queue", problems),
                                kConflicts);
  b.max_parallel = count_field(*trigger, "trigger", "max_parallel", 1, 1000, 0, problems);
  b.max_sessions_per_hour =
      count_field(*trigger, "trigger", "max_sessions_per_hour", 1, 1'000'000, 0, problems);
  b.trigger = trigger->json();
  b.trigger.erase("action");
  b.match = Json::object();
  const auto* match = trigger->find("match");
  if (match != nullptr && !match->is_map()) {
    problems.add(match->at, "trigger.match must be a map of conditions");
  } else if (match != nullptr) {
    b.match = match->json();
  }

  const auto* info = cron ? nullptr : catalog.source(b.source);
  if (info != nullptr) {
    static const YamlNode kNoConditions = [] {
      YamlNode node;
      node.kind = YamlNode::Kind::map;
      return node;
    }();
    if (match == nullptr || match->is_map()) {
      check_object(info->match, match == nullptr ? kNoConditions : *match, "trigger.match", problems);
    }
    b.source_key = key_of(*info, b.trigger, *trigger, problems);
  } else if (!b.source.empty() && !cron) {
    std::string message =
        "no loaded module serves source \"" + std::string(utf8_prefix(b.source, 60)) + "\"; there is:";
    for (const auto& s : catalog.sources) message += " " + s.source;
    message += " cron";
    problems.add(trigger->find("source")->at, message);
  }
  read_action(*trigger, b, problems);
  read_on_finish(root, catalog, b, problems);
  if (cron) read_cron(root, *trigger, catalog, b, problems);
  problems.raise();
  return b;
}

std::string blueprint_id(std::string_view path) {
  auto name = path.substr(path.find_last_of('/') + 1);
  if (const auto dot = name.find_last_of('.'); dot != std::string_view::npos && dot > 0)
    name = name.substr(0, dot);
  const auto good = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.'; };
  if (name.empty() || name.size() > 64 || name.front() == '.' ||
      !std::all_of(name.begin(), name.end(), good)) {
    throw DocumentError(
        std::string(path) +
        ": the file's name is the blueprint's id: up to 64 letters, digits, '-', '_' and '.'");
  }
  return std::string(name);
}

std::string session_key(const Blueprint& blueprint, const Json& payload, std::string_view dedupe_key) {
  // The payload has one member, named for what happened ("email"); its fields have the names of a message.
  const Json& item = payload.members().empty() ? payload : payload.members().front().value;
  switch (blueprint.session_template) {
    case SessionTemplate::shared:
      return "shared";
    case SessionTemplate::per_sender:
      if (const auto& address = item.path("from.0.address").str(); !address.empty())
        return "sender:" + fold_case(address);
      break;
    case SessionTemplate::per_thread:
      if (const auto& thread = item["thread_id"].str(); !thread.empty()) return "thread:" + thread;
      if (const auto& first = item.path("references.0").str(); !first.empty()) return "thread:" + first;
      if (const auto& id = item["message_id"].str(); !id.empty()) return "thread:" + id;
      break;
    case SessionTemplate::per_message:
      break;
  }
  return "message:" + std::string(dedupe_key);
}

std::string_view to_string(SessionTemplate t) { return kTemplates[static_cast<std::size_t>(t)]; }
std::string_view to_string(Conflict c) { return kConflicts[static_cast<std::size_t>(c)]; }

}  // namespace aoh::host
