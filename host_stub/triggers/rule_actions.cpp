#include "triggers/rule_actions.hpp"

#include <algorithm>

#include "aoh/services/log.h"
#include "services/faults.hpp"
#include "sessions/step_call.hpp"

namespace aoh::host {
namespace {

constexpr unsigned kWorkers = 4;
constexpr std::int64_t kCallNs = 60'000'000'000;

// The first pending action of each message, so that none overtakes another.
constexpr std::string_view kFirsts =
    "SELECT id, source_key, due_ns FROM (SELECT MIN(id) AS id, source_key, due_ns FROM events WHERE "
    "state='pending' AND blueprint='' GROUP BY source_key, session_key) WHERE due_ns<=? ORDER BY due_ns, id";

/// Puts `value` at a dotted path of members; null takes the member away.
void put(Json& at, std::string_view path, Json value) {
  const auto dot = path.find('.');
  const std::string name(path.substr(0, dot));
  if (dot != std::string_view::npos) {
    if (Json& below = at.slot(name); below.is_object() || below.is_null())
      put(below, path.substr(dot + 1), value);
  } else if (value.is_null()) {
    at.erase(name);
  } else {
    at.set(name, std::move(value));
  }
}

}  // namespace

bool RuleActions::due() { return sql_.query(kFirsts, ports_.now_ns()).next(); }

void RuleActions::poke() {
  if (stopping_ || !due()) return;
  {
    const std::lock_guard lock(mutex_);
    ++pokes_;
    while (threads_.size() < kWorkers)
      threads_.emplace_back([this](const std::stop_token& token) { work(token); });
  }
  wake_.notify_all();
}

void RuleActions::begin_stop() { stopping_ = true; }

void RuleActions::stop() {
  stopping_ = true;
  std::vector<std::jthread> ending;
  {
    const std::lock_guard lock(mutex_);
    ending.swap(threads_);
  }
  for (auto& thread : ending) thread.request_stop();
}

void RuleActions::work(const std::stop_token& token) {
  std::uint64_t seen = 0;
  while (!token.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, token, [&] { return pokes_ != seen; })) return;
      seen = pokes_;
    }
    try {
      while (!stopping_ && act_one()) {
      }
    } catch (const std::exception& e) {  // the store: the next poke tries again
      if (ports_.log) ports_.log(AOH_LOG_ERROR, std::string("an action of rules: ") + e.what());
    }
  }
}

std::optional<RuleActions::Action> RuleActions::take() {
  const std::lock_guard lock(mutex_);
  std::int64_t id = 0;
  {
    Rows rows = sql_.query(kFirsts, ports_.now_ns());
    while (id == 0 && rows.next())
      if (!busy_.contains(rows.text(1))) id = rows.integer(0);
  }
  if (id == 0) return std::nullopt;
  Rows rows = sql_.query(
      "SELECT attempts, source_key, dedupe_key, session_key, payload FROM events WHERE id=? AND "
      "state='pending'",
      id);
  if (!rows.next()) return std::nullopt;
  Action action{id, rows.integer(0), rows.text(1), rows.text(2), rows.text(3), rows.text(4)};
  busy_.insert(action.source_key);
  return action;
}

bool RuleActions::act_one() {
  const auto action = take();
  if (!action) return false;
  struct Free {
    RuleActions& me;
    const std::string& key;
    ~Free() {
      const std::lock_guard lock(me.mutex_);
      me.busy_.erase(key);
    }
  } const free{*this, action->source_key};
  carry_out(*action);
  return true;
}

void RuleActions::carry_out(const Action& action) {
  Json payload, source;
  const std::string& key = action.source_key;
  const auto blank = std::min(key.find(' '), key.size());
  try {
    payload = Json::parse(action.payload);
    source = Json::parse(key.substr(blank));
  } catch (const JsonError& e) {
    return park(action, Json::object(), std::string("it cannot be read: ") + e.what(), false);
  }
  ToolCall request;
  request.tool = payload["call"]["tool"].str();
  if (!allowed_(key.substr(0, blank), request.tool))
    return park(action, payload, "no module serves it now, or its manifest does not name the tool for rules",
                false);
  request.arguments = payload["call"]["arguments"];
  request.default_credential_id = source["credential_id"].str();
  if (!request.default_credential_id.empty()) {
    request.arguments.set("credential_id", request.default_credential_id);
    request.grants = Json::object().set(request.default_credential_id, Json::array({"manage"}));
  }
  request.step = "rule";
  request.idempotency_key = "rule:" + action.key;
  if (const auto tries = payload["tries"].integer(); tries > 0)
    request.idempotency_key += ":" + std::to_string(tries);
  request.time_limit_ns = kCallNs;
  faults::point("rule.act", action.key);
  ToolOutcome outcome = ports_.call(request);
  faults::point("rule.acted", action.key);
  const Verdict verdict = verdict_of(outcome);
  switch (verdict.end.end) {
    case TurnEnd::stopped:
      return;
    case TurnEnd::later:
      return later(action, payload, verdict.end.error, verdict.end.delay_ns);
    case TurnEnd::failed:
      return park(action, payload, verdict.end.error, outcome.result["isError"].boolean());
    case TurnEnd::uncertain:
      return park(action, payload, "it is uncertain whether it took effect: " + verdict.end.error, false);
    case TurnEnd::done:
      break;
  }
  const Json answer = outcome.result["structuredContent"];
  end(action, payload, &answer);
}

void RuleActions::end(const Action& action, const Json& payload, const Json* answer) {
  sql_.write("rule.done", [&] {
    sql_.run("UPDATE events SET state='done', error='' WHERE id=? AND state='pending'", action.id);
    release(action, payload, answer);
  });
  if (released_) released_();
}

void RuleActions::park(const Action& action, Json payload, const std::string& why, bool refused) {
  // What was refused had no effect: a person's retry is new work, with a key of its own.
  if (refused) payload.set("tries", payload["tries"].integer() + 1);
  sql_.write("rule.parked", [&] {
    sql_.run("UPDATE events SET state='parked', error=?, payload=? WHERE id=? AND state='pending'", why,
             payload.empty() ? action.payload : payload.dump(), action.id);
    release(action, payload, nullptr);
  });
  if (ports_.log)
    ports_.log(AOH_LOG_WARN, "an action of rules (" + payload["rule"].str() + ") is parked: " + why);
  if (released_) released_();
}

void RuleActions::later(const Action& action, const Json& payload, const std::string& why,
                        std::int64_t at_least_ns) {
  const auto delay = retry_delay_ns(action.attempts);
  if (delay < 0)
    return park(action, payload,
                "given up after " + std::to_string(action.attempts + 1) + " attempts: " + why, false);
  sql_.write("rule.later", [&] {
    sql_.run("UPDATE events SET due_ns=?, attempts=attempts+1, error=? WHERE id=? AND state='pending'",
             ports_.now_ns() + std::max(delay, at_least_ns), why, action.id);
  });
}

// Within the transaction that ends the action.
void RuleActions::release(const Action& action, const Json& payload, const Json* answer) {
  std::vector<std::pair<std::string, Json>> learned;
  bool any = false;
  if (answer != nullptr)
    for (const auto& [path, from] : payload["learns"].members()) {
      learned.emplace_back(path, answer->path(from.str()));
      any = any || !learned.back().second.is_null();
    }
  if (any) {
    std::vector<std::pair<std::int64_t, Json>> told;
    {
      Rows rows = sql_.query(
          "SELECT id, payload FROM events WHERE state IN ('held','parked','pending') AND blueprint<>'' AND "
          "source_key=? AND dedupe_key=?",
          action.source_key, action.of);
      while (rows.next()) {
        try {
          told.emplace_back(rows.integer(0), Json::parse(rows.text(1)));
        } catch (const JsonError&) {  // NOLINT(bugprone-empty-catch): the hand-over parks it, and says why
        }
      }
    }
    for (auto& [id, event] : told) {
      for (const auto& [path, value] : learned) put(event, path, value);
      sql_.run("UPDATE events SET payload=? WHERE id=?", event.dump(), id);
    }
  }
  sql_.run(
      "UPDATE events SET state='pending' WHERE state='held' AND source_key=?1 AND dedupe_key=?2 AND NOT "
      "EXISTS("
      "SELECT 1 FROM events WHERE state='pending' AND blueprint='' AND source_key=?1 AND session_key=?2)",
      action.source_key, action.of);
}

}  // namespace aoh::host
