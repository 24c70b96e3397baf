#include "triggers/automation.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>

#include "aoh/services/log.h"
#include "sessions/agent.hpp"
#include "sessions/runner.hpp"
#include "triggers/blueprint_store.hpp"
#include "triggers/cron_source.hpp"
#include "triggers/handover.hpp"
#include "triggers/rule_actions.hpp"
#include "triggers/rules_store.hpp"
#include "triggers/set_back.hpp"

namespace aoh::host {

struct Automation::Running {
  AutomationParts parts;
  Sql sql;
  Ports ports;
  AgentDirectory agents;
  Runner runner;
  unsigned workers;
  Handover handover;
  RuleActions actions;
  SetBack set_back{sql, ports};  // of the loop's thread
  std::unique_ptr<Supervisor> supervisor;
  SupervisorLimits limits;

  std::mutex mutex;  // guards blueprints, stored_ids, pokes, texts
  std::condition_variable_any wake;
  std::map<std::string, std::shared_ptr<const Blueprint>, std::less<>> blueprints;
  std::vector<std::string> stored_ids;  // also of blueprints that are left out
  std::string texts;                    // what is applied, to see whether anything changed
  std::uint64_t pokes = 0;
  std::mutex rules_mutex;  // guards rules; taken before the other one
  RulesStore rules;
  std::atomic<bool> stopping{false};
  std::jthread thread;

  Running(AutomationParts p, AutomationOptions o)
      : parts(std::move(p)),
        sql(*parts.db),
        ports{[clock = parts.clock] { return clock->wall_ns(); },
              call_port(*parts.engine, *parts.clock, *parts.registry),
              tools_port(*parts.engine, *parts.registry), parts.log, std::move(o.agent_guard)},
        agents(std::move(o.agent_folders)),
        runner(sql, ports, agents),
        workers(o.workers),
        handover(
            sql, ports, catalog_of(*parts.registry), [this](std::string_view id) { return blueprint(id); },
            [this](std::string_view id) { return agents.exists(id); }),
        actions(
            sql, ports,
            [this](std::string_view source, std::string_view tool) { return may_act(source, tool); },
            [this] { poke(); }),
        limits(o.limits),
        rules(
            sql, std::move(o.rules_file), [this](const RulesFile& file) { return judge(file); }, parts.log) {
    create_tables(sql);
  }

  std::shared_ptr<const Blueprint> blueprint(std::string_view id) {
    const std::lock_guard lock(mutex);
    const auto it = blueprints.find(id);
    return it == blueprints.end() ? nullptr : it->second;
  }
  void poke() {
    {
      const std::lock_guard lock(mutex);
      ++pokes;
    }
    wake.notify_all();
  }
  bool may_act(std::string_view source, std::string_view tool) const {
    const auto served = parts.registry->source(source);
    const auto called = parts.registry->tool(tool);
    return served && called && served.module == called.module &&
           std::count(served.spec->rule_tools.begin(), served.spec->rule_tools.end(), tool) > 0;
  }
  void apply();
  void apply_rules();
  RulesJudgement judge(const RulesFile& file);
  void loop(const std::stop_token& token);
};

void Automation::Running::apply() {
  std::string now_texts;
  std::vector<std::string> ids;
  for (auto& stored : stored_blueprints(sql)) {
    now_texts += stored.id + "\n" + stored.text + "\n\f";
    ids.push_back(std::move(stored.id));
  }
  {
    const std::lock_guard lock(mutex);
    if (now_texts == texts) return;
    texts = now_texts;
    stored_ids = std::move(ids);
  }
  auto loaded = load_blueprints(sql, catalog_of(*parts.registry));
  for (const auto& error : loaded.errors) {
    if (ports.log) ports.log(AOH_LOG_ERROR, "blueprint left out: " + error);
  }
  {
    const std::lock_guard lock(mutex);
    blueprints.clear();
    for (const auto& b : loaded.good) blueprints[b->id] = b;
  }
  try {
    apply_rules();  // before a source can start without them
  } catch (...) {
    const std::lock_guard lock(mutex);
    texts.clear();  // all of it is tried again
    throw;
  }
  supervisor->apply(std::move(loaded.good));
}

// The module decides, as for its own source, by its tool SOURCE_rules_explain.
RulesJudgement Automation::Running::judge(const RulesFile& file) {
  constexpr std::int64_t kPatienceNs = 10'000'000'000;
  CallRequest request;
  request.tool = file.source + "_rules_explain";
  if (file.rules.empty() || !parts.registry->tool(request.tool)) return {RulesJudgement::Word::good, {}};
  std::string credential;
  {
    const std::lock_guard lock(mutex);
    for (const auto& [id, b] : blueprints)
      if (b->source == file.source) credential = b->credential_id;
  }
  if (credential.empty()) return {RulesJudgement::Word::nobody, {}};
  request.arguments = Json{{"credential_id", credential},
                           {"rules", file.rules},
                           {"blueprints", Json::array()},
                           {"raw", "Subject: -\r\n\r\n"}};
  request.from_operator = true;
  request.deadline_ns = parts.clock->monotonic_ns() + kPatienceNs;
  const CallResult answer = parts.engine->call(std::move(request));
  if (!answer.is_error()) return {RulesJudgement::Word::good, {}};
  const Json& error = answer.result["structuredContent"]["error"];
  if (!error["where"].str().starts_with("rules")) return {RulesJudgement::Word::nobody, {}};
  const std::string& cure = error["cure"].str();
  return {RulesJudgement::Word::refused, error["what"].str() + (cure.empty() ? "" : "; " + cure)};
}

void Automation::Running::apply_rules() {
  const std::lock_guard guard(rules_mutex);
  std::vector<std::string> ids;
  {
    const std::lock_guard lock(mutex);
    ids = stored_ids;
  }
  if (rules.refresh([this] { return catalog_of(*parts.registry); }, ids, ports.now_ns()))
    supervisor->apply_rules(rules.in_force().source, rules.in_force().rules);
}

void Automation::Running::loop(const std::stop_token& token) {
  std::int64_t version = sql.data_version();
  while (!token.stop_requested() && !stopping) {
    std::uint64_t seen = 0;
    {
      const std::lock_guard lock(mutex);
      seen = pokes;
    }
    try {
      if (const auto v = sql.data_version(); v != version) {
        apply();
        version = v;
        runner.poke();
        supervisor->poke();
      }
      apply_rules();
      if (set_back.look()) {
        runner.poke();
        supervisor->poke();
      }
      actions.poke();
      bool handed = false;
      while (!stopping && handover.next_due() <= ports.now_ns() && handover.hand_over_one()) {
        handed = true;
        runner.poke();
      }
      if (handed) supervisor->poke();
    } catch (const std::exception& e) {
      if (ports.log) ports.log(AOH_LOG_ERROR, std::string("hand-over: ") + e.what());
      seen = UINT64_MAX;  // the store is in trouble: no hot loop
    }
    std::unique_lock lock(mutex);
    wake.wait_for(lock, token, std::chrono::seconds(1), [&] { return seen != UINT64_MAX && pokes != seen; });
  }
}

Automation::Automation(AutomationParts parts, AutomationOptions options)
    : r_(std::make_unique<Running>(std::move(parts), std::move(options))) {}

Automation::~Automation() {
  begin_stop();
  stop(std::chrono::steady_clock::now() + std::chrono::seconds(1));
  r_->supervisor.reset();  // its threads call back into what is destroyed next
}

void Automation::start() {
  auto& r = *r_;
  SupervisorPorts outside;
  outside.module = [&r](std::string_view source) {
    if (source == kCronSource) return cron_source(*r.parts.clock);
    const auto found = r.parts.registry->source(source);
    return found ? source_module(*found.module) : SourceModule{};
  };
  outside.opened = r.parts.trigger_opened;
  outside.closed = r.parts.trigger_closed;
  outside.on_events = [&r] { r.poke(); };
  r.supervisor = std::make_unique<Supervisor>(r.sql, r.ports, std::move(outside), r.limits);
  r.apply();
  r.apply_rules();
  r.runner.start(r.workers);
  r.thread = std::jthread([&r](const std::stop_token& token) { r.loop(token); });
}

void Automation::reload() {
  if (!r_->supervisor) return;
  r_->apply();
  r_->apply_rules();
  r_->poke();
  r_->runner.poke();
  r_->supervisor->poke();
}

void Automation::begin_stop() {
  r_->stopping = true;
  r_->actions.begin_stop();
  r_->runner.begin_stop();
  if (r_->supervisor) r_->supervisor->stop(std::chrono::steady_clock::now());
  r_->poke();
}

bool Automation::stop(std::chrono::steady_clock::time_point deadline) {
  begin_stop();
  const bool ended = !r_->supervisor || r_->supervisor->stop(deadline);
  r_->thread = {};
  r_->actions.stop();
  r_->runner.stop();
  return ended;
}

std::vector<SourceStatus> Automation::sources() const {
  return r_->supervisor ? r_->supervisor->status() : std::vector<SourceStatus>{};
}
void Automation::restart_source(std::string_view key) {
  if (r_->supervisor) r_->supervisor->restart(key);
}

std::function<ToolOutcome(const ToolCall&)> call_port(CallEngine& engine, const Clock& clock,
                                                      const Registry& registry) {
  return [&engine, &clock, &registry](const ToolCall& call) {
    CallRequest request;
    request.tool = call.tool;
    request.arguments = call.arguments;
    request.session_id = call.session_id;
    request.step = call.step;
    request.agent_id = call.agent_id;
    request.idempotency_key = call.idempotency_key;
    request.grants = call.grants;
    request.default_credential_id = call.default_credential_id;
    request.taint = call.taint;
    const auto tool = registry.tool(call.tool);
    if (call.time_limit_ns > 0 && tool && call.time_limit_ns < tool.spec->timeout_ms * 1'000'000) {
      request.deadline_ns = clock.monotonic_ns() + call.time_limit_ns;
    }
    const auto outcome = [](CallResult result) {
      return ToolOutcome{result.status, std::move(result.result), std::move(result.message), result.reached};
    };
    if (!call.cancelled.stop_possible()) return outcome(engine.call(std::move(request)));
    // Kept by `done`, too: it may still be at work in this thread's absence.
    const auto answer = std::make_shared<std::promise<CallResult>>();
    auto answered = answer->get_future();
    const std::string id = engine.start(
        std::move(request), [answer](CallResult result) { answer->set_value(std::move(result)); });
    const std::stop_callback on_cancel(call.cancelled, [&engine, &id] { engine.cancel(id); });
    return outcome(answered.get());
  };
}

std::function<std::vector<OfferedTool>(const Json& grants)> tools_port(const CallEngine& engine,
                                                                       const Registry& registry) {
  return [&engine, &registry](const Json& grants) {
    std::vector<OfferedTool> out;
    for (const auto& tool : registry.tools())
      if (engine.covered(tool, grants))
        out.push_back(
            {tool.spec->mcp, tool.spec->credential.has_value(), tool.spec->read_only(), tool.spec->egress});
    return out;
  };
}

Catalog catalog_of(const Registry& registry) {
  std::vector<const Manifest*> manifests;
  for (const auto* module : registry.modules()) manifests.push_back(&module->manifest());
  return Catalog::of(manifests);
}

}  // namespace aoh::host
