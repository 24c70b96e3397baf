#include "triggers/cron_blueprint.hpp"

#include <algorithm>

#include "triggers/cron_source.hpp"

namespace aoh::host {
namespace {

using Names = std::vector<std::string_view>;

const Names kWhen = {"at", "cron", "every"};
const Names kMissed = {"run_once", "skip"};

}  // namespace

const Names& cron_trigger_keys() {
  static const Names keys = {"source",
                             "credential_id",
                             "at",
                             "cron",
                             "every",
                             "timezone",
                             "missed",
                             "debounce",
                             "conflict",
                             "max_parallel",
                             "max_sessions_per_hour",
                             "action"};
  return keys;
}

void read_cron(const YamlNode& root, const YamlNode& trigger, const Catalog& catalog, Blueprint& b,
               Problems& problems) {
  b.source_key = Json{{"blueprint", b.id}};
  b.missed = choice_field(trigger, "trigger", "missed", kMissed, "run_once", problems) == "skip"
                 ? Missed::skip
                 : Missed::run_once;
  b.schedule = Json::object();
  if (const auto* timezone = trigger.find("timezone")) {
    const auto name = text_field(trigger, "trigger", "timezone", true, problems);
    try {
      if (!name.empty()) b.schedule.set("timezone", Zone::named(name).name());
    } catch (const ScheduleError& e) {
      problems.add(timezone->at, std::string("trigger.timezone: ") + e.what());
    }
  }
  const YamlNode* when = nullptr;
  for (const auto& member : trigger.members) {
    if (std::find(kWhen.begin(), kWhen.end(), member.key) == kWhen.end()) continue;
    if (when != nullptr) {
      problems.add(member.at, "trigger has more than one of at, cron and every; make a blueprint of each");
      continue;
    }
    when = &member.value;
    const auto text = text_field(trigger, "trigger", member.key, true, problems);
    if (!when->scalar.is_string()) continue;
    b.schedule.set(member.key, text);
    try {
      schedule_of(b.schedule);
    } catch (const ScheduleError& e) {
      problems.add(when->at, "trigger." + member.key + ": " + e.what());
    }
  }
  if (when == nullptr) problems.add(trigger.at, "trigger of source cron needs one of at, cron and every");

  if (b.session_template == SessionTemplate::per_thread || b.session_template == SessionTemplate::per_sender)
    problems.add(trigger.find("action")->find("session_template")->at,
                 "trigger.action.session_template: a tick has neither thread nor sender; write per-message "
                 "(a session for each "
                 "tick) or shared");
  for (const auto& entry : b.on_finish) {
    const auto* action = catalog.finish_action(entry.action);
    if (action != nullptr && !action->trigger_arguments.empty())
      for (const auto& member : root.find("on_finish")->members)
        if (member.key == entry.action)
          problems.add(member.at, "on_finish." + entry.action +
                                      " answers what has triggered, and a tick cannot be answered; let the "
                                      "agent call a tool");
  }
}

std::vector<std::string> next_times(const Blueprint& b, std::string_view file, std::int64_t now_ns) {
  std::vector<std::string> out;
  if (b.source != kCronSource) return out;
  const auto schedule = schedule_of(b.schedule);
  for (auto t = schedule.next(now_ns, now_ns); t && out.size() < 3; t = schedule.next(*t, now_ns))
    out.push_back(local_text(schedule.zone(), *t));
  if (out.empty())
    throw DocumentError(std::string(file) + ": trigger.at: " + b.schedule["at"].str() +
                        " has passed; nothing would ever start");
  return out;
}

}  // namespace aoh::host
