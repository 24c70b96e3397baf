#include "triggers/supervisor.hpp"

#include <sys/random.h>
#include <algorithm>

#include <array>
#include <chrono>
#include <utility>

#include "aoh/services/log.h"
#include "services/faults.hpp"
#include "sessions/session_store.hpp"
#include "triggers/batch_store.hpp"
#include "triggers/supervisor_trigger.hpp"

namespace aoh::host {
namespace {

/// After the first, second, ... failure in a row.
constexpr std::array<std::int64_t, 6> kSeconds = {1, 5, 30, 60, 300, 900};

std::int64_t restart_delay_ns(std::int64_t failures) {
  const auto i = std::clamp<std::int64_t>(failures - 1, 0, static_cast<std::int64_t>(kSeconds.size()) - 1);
  return kSeconds[static_cast<std::size_t>(i)] * 1'000'000'000;
}

// A time further ahead than any backoff is by a clock that was set back since.
bool backoff_over(std::int64_t retry_ns, std::int64_t now_ns) {
  return retry_ns <= now_ns || retry_ns > now_ns + kSeconds.back() * 1'000'000'000;
}

std::string new_trigger_id() {
  std::uint64_t n = 0;
  if (::getrandom(&n, sizeof n, 0) != static_cast<ssize_t>(sizeof n))
    throw std::runtime_error("no random bytes");
  return "t" + std::to_string(n);
}

Json blueprints_json(const std::vector<std::shared_ptr<const Blueprint>>& blueprints) {
  Json out = Json::array();
  for (const auto& b : blueprints) out.push(b->for_module());
  return out;
}

/// Changes with what the module decides by. Under the lock, often: rules may be large, their number is not.
std::string asked_of(const Supervisor::Shared& s, const Supervisor::Source& source) {
  std::string out = blueprints_json(source.blueprints).dump();
  return s.rules_source == source.source ? out + " rules " + std::to_string(s.rules_version) : out;
}

/// source_json of module.h. Under the lock.
std::string source_json(const Supervisor::Shared& s, const Supervisor::Source& source,
                        const std::string& trigger_id) {
  return Json{{"source", source.source},
              {"key", source.key_json},
              {"blueprints", blueprints_json(source.blueprints)},
              {"rules", s.rules_source == source.source ? s.rules : Json::array()},
              {"trigger_id", trigger_id}}
      .dump();
}

/// Under the lock: one that waits or is parked is due now, with no failures behind it.
void start_afresh(Supervisor::Source& source) {
  if (source.state != "parked" && source.state != "backoff") return;
  source.state = "backoff";
  source.failures = 0;
  source.retry_ns = 0;
}

}  // namespace

std::string source_key_text(const Blueprint& blueprint) {
  return blueprint.source + " " + blueprint.source_key.dump();
}

SourceModule source_module(Module& module) {
  SourceModule out;
  out.module = module.manifest().id;
  auto use = std::make_shared<Module::Use>(module);
  if (!*use) return out;
  out.pin = std::move(use);
  out.start = [&module](std::string_view json, std::string_view cursor, aoh_trigger* t) {
    return module.trigger_start(json, cursor, t);
  };
  out.reconfigure = [&module](aoh_trigger* t, std::string_view json) {
    return module.trigger_reconfigure(t, json);
  };
  out.stop = [&module](aoh_trigger* t) { module.trigger_stop(t); };
  out.breach = [&module](std::string_view what) { module.breach(what); };
  return out;
}

Supervisor::Supervisor(Sql sql, const Ports& ports, SupervisorPorts outside, SupervisorLimits limits)
    : shared_(std::make_shared<Shared>(sql, ports, std::move(outside), limits)) {
  shared_->backlog = backlog(sql);
  sql.write("sources.reset", [&] { sql.run("UPDATE sources SET state='stopped'"); });
  manager_ = std::jthread([this](const std::stop_token& token) { manage(token); });
  writer_ = std::jthread([this](const std::stop_token& token) { store(token); });
}

Supervisor::~Supervisor() {
  stop(std::chrono::steady_clock::now());
  manager_.request_stop();
  writer_.request_stop();
  shared_->poke();
}

void Supervisor::poke() {
  try {
    shared_->backlog = backlog(shared_->sql);
  } catch (const StoreError&) {  // NOLINT(bugprone-empty-catch): the count is refreshed at the next look
  }
  shared_->poke();
}

void Supervisor::apply(std::vector<std::shared_ptr<const Blueprint>> blueprints) {
  {
    const std::lock_guard lock(shared_->mutex);
    ++shared_->version;
    for (auto& [key, source] : shared_->sources) source.blueprints.clear();
    for (auto& blueprint : blueprints) {
      auto& source = shared_->sources[source_key_text(*blueprint)];
      source.key = source_key_text(*blueprint);
      source.source = blueprint->source;
      source.key_json = blueprint->source_key;
      source.credential_id = blueprint->credential_id;
      source.blueprints.push_back(std::move(blueprint));
    }
  }
  shared_->poke();
}

void Supervisor::apply_rules(std::string_view source, Json rules) {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->rules_source = source;
    shared_->rules = std::move(rules);
    ++shared_->rules_version;
    ++shared_->version;
    for (auto& [key, s] : shared_->sources)
      if (s.source == source) start_afresh(s);
  }
  shared_->poke();
}

void Supervisor::restart(std::string_view key) {
  {
    const std::lock_guard lock(shared_->mutex);
    const auto it = shared_->sources.find(key);
    if (it == shared_->sources.end()) return;
    start_afresh(it->second);
  }
  shared_->poke();
}

bool Supervisor::stop(std::chrono::steady_clock::time_point deadline) {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
  }
  shared_->poke();
  while (true) {
    {
      const std::lock_guard lock(shared_->mutex);
      if (std::none_of(shared_->sources.begin(), shared_->sources.end(),
                       [](const auto& s) { return s.second.trigger != nullptr; }))
        return true;
    }
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

std::vector<SourceStatus> Supervisor::status() const {
  std::vector<SourceStatus> out;
  const std::lock_guard lock(shared_->mutex);
  for (const auto& [key, source] : shared_->sources) {
    SourceStatus status{
        key, source.source, source.state, source.error, "", {}, source.failures, source.retry_ns, {}};
    std::string health = source.last_health;
    for (const auto& b : source.blueprints) status.blueprints.push_back(b->id);
    if (source.trigger) {
      const std::lock_guard inner(source.trigger->mutex);
      status.trigger_id = source.trigger->id;
      health = source.trigger->health;
    }
    if (!health.empty()) status.health = Json::parse(health);
    out.push_back(std::move(status));
  }
  return out;
}

// The manager decides under the lock and calls the module without it; only this thread changes a Source's
// trigger.
void Supervisor::manage(const std::stop_token& token) {
  auto& s = *shared_;
  // Only what has changed: with thousands of sources the rest would keep the disk busy for ever.
  const auto remember = [&](Source& source) {
    std::string now = source.state + " " + std::to_string(source.failures) + " " +
                      std::to_string(source.retry_ns) + " " + source.error;
    if (now == source.written) return;
    try {
      s.sql.write("source.state", [&] {
        s.sql.run(
            "INSERT INTO sources(key, source, state, failures, error, retry_ns, updated_ns) "
            "VALUES(?,?,?,?,?,?,?) ON CONFLICT(key) DO UPDATE SET "
            "state=excluded.state, failures=excluded.failures, error=excluded.error, "
            "retry_ns=excluded.retry_ns, updated_ns=excluded.updated_ns",
            source.key, source.source, source.state, source.failures, source.error, source.retry_ns,
            s.ports.now_ns());
      });
      source.written = std::move(now);
    } catch (const std::exception& e) {
      s.log(AOH_LOG_ERROR, "the state of source " + source.key + " could not be written: " + e.what());
    }
  };
  // Under the lock.
  const auto failed = [&](Source& source, const std::string& why) {
    const auto now = s.ports.now_ns();
    if (source.started_ns != 0 && now - source.started_ns >= s.limits.steady_ns) source.failures = 0;
    source.started_ns = 0;
    ++source.failures;
    source.error = why;
    source.state = source.failures >= s.limits.park_after ? "parked" : "backoff";
    source.retry_ns = now + restart_delay_ns(source.failures);
    s.log(AOH_LOG_ERROR,
          "source " + source.key + " failed" + (source.state == "parked" ? " and is parked: " : ": ") + why);
  };
  const auto start = [&](Source& source) {
    auto trigger = std::make_shared<Trigger>();
    auto module = s.outside.module(source.source);
    if (!module.pin) {
      const std::lock_guard lock(s.mutex);
      return failed(source, "no module serves " + source.source + " now");
    }
    trigger->home = shared_;
    trigger->key = source.key;
    trigger->id = new_trigger_id();
    trigger->breach = module.breach;
    trigger->fill_table();
    std::string cursor;
    {
      Rows rows = s.sql.query("SELECT cursor FROM sources WHERE key=?", source.key);
      if (rows.next()) cursor = rows.text(0);
    }
    std::string json;
    {
      const std::lock_guard lock(s.mutex);
      source.applied = asked_of(s, source);
      source.looked_at = s.version;
      json = source_json(s, source, trigger->id);
      source.trigger = trigger;
      source.module = module;
      source.state = "running";
    }
    if (s.outside.opened) s.outside.opened(trigger->id, module.module, source.credential_id);
    const auto outcome = module.start(json, cursor, &trigger->table.abi);
    if (!outcome) {
      if (s.outside.closed) s.outside.closed(trigger->id);
      const std::lock_guard lock(s.mutex);
      {
        const std::lock_guard inner(trigger->mutex);
        trigger->stopped = true;
      }
      s.ended.push_back(std::move(source.trigger));
      source.module = {};
      return failed(source, outcome.message.empty() ? status_name(outcome.status) : outcome.message);
    }
    source.started_ns = s.ports.now_ns();
  };

  while (!token.stop_requested()) {
    // Sessions end without telling: while sources may be held back, the count is taken anew at each look.
    if (s.backlog > s.limits.backlog / 2) {
      try {
        s.backlog = backlog(s.sql);
      } catch (const StoreError& e) {
        s.log(AOH_LOG_ERROR, std::string("the backlog could not be counted: ") + e.what());
      }
    }
    std::uint64_t seen = 0;
    std::vector<Source*> todo;  // map nodes do not move, and only this thread erases them
    bool stopping = false;
    {
      const std::lock_guard lock(s.mutex);
      seen = s.pokes;
      stopping = s.stopping;
      for (auto& [key, source] : s.sources) todo.push_back(&source);
    }
    for (Source* source : todo) {
      try {
        std::shared_ptr<Trigger> trigger;
        bool due = false, wanted = false, changed = false;
        {
          const std::lock_guard lock(s.mutex);
          trigger = source->trigger;
          due = source->state == "stopped" ||
                (source->state == "backoff" && backoff_over(source->retry_ns, s.ports.now_ns()));
          wanted = !source->blueprints.empty() && !stopping;
          if (wanted && trigger && std::exchange(source->looked_at, s.version) != s.version)
            changed = asked_of(s, *source) != source->applied;
        }
        if (trigger) {
          bool ended = false;
          std::string why;
          aoh_status status = AOH_OK;
          void (*ready)(void*) = nullptr;
          void* ready_arg = nullptr;
          {
            const std::lock_guard lock(trigger->mutex);
            ended = trigger->stopped && !trigger->outstanding;
            status = trigger->end_status;
            why = trigger->end_why;
            if (trigger->ready != nullptr && (!trigger->busy || s.backlog <= s.limits.backlog / 2)) {
              std::swap(ready, trigger->ready);
              ready_arg = trigger->ready_arg;
              trigger->busy = false;
            }
          }
          if (ready != nullptr) ready(ready_arg);
          if (ended) {
            if (s.outside.closed) s.outside.closed(trigger->id);
            const bool asked = trigger->stopping;
            const std::lock_guard lock(s.mutex);
            {
              const std::lock_guard inner(trigger->mutex);
              source->last_health = trigger->health;
            }
            s.ended.push_back(std::move(source->trigger));
            if (s.ended.size() > 64) s.ended.pop_front();
            source->module = {};
            if (asked) {
              source->state = "stopped";
              source->error.clear();
            } else {
              failed(*source,
                     why.empty() ? std::string("it ended by itself (") + status_name(status) + ")" : why);
            }
          } else if (!wanted && !trigger->stopping) {
            {
              const std::lock_guard lock(s.mutex);
              source->state = "stopping";
            }
            trigger->stopping = true;
            source->module.stop(&trigger->table.abi);
            s.poke();
          } else if (changed && !trigger->stopping) {
            std::string json;
            {
              const std::lock_guard lock(s.mutex);
              source->applied = asked_of(s, *source);
              json = source_json(s, *source, trigger->id);
            }
            const auto outcome = source->module.reconfigure(&trigger->table.abi, json);
            if (!outcome)
              s.log(AOH_LOG_ERROR,
                    "source " + source->key + " keeps its old blueprints and rules: " + outcome.message);
          }
        } else if (wanted && due) {
          start(*source);
        } else {
          if (!wanted && !stopping) {
            const std::lock_guard lock(s.mutex);
            if (source->blueprints.empty()) s.sources.erase(std::string(source->key));
          }
          continue;
        }
        remember(*source);
      } catch (const std::exception& e) {
        s.log(AOH_LOG_ERROR, "source " + source->key + ": " + e.what());
      }
    }
    std::unique_lock lock(s.mutex);
    s.wake_manager.wait_for(lock, token, std::chrono::seconds(1), [&] { return s.pokes != seen; });
  }
}

// The writer: batches in their order, each in one transaction with its decisions and cursor, then done().
void Supervisor::store(const std::stop_token& token) {
  auto& s = *shared_;
  while (true) {
    std::optional<Batch> batch;
    std::vector<std::shared_ptr<Trigger>> dirty;
    BlueprintsById blueprints;
    {
      std::unique_lock lock(s.mutex);
      s.wake_writer.wait(lock, token, [&] { return !s.batches.empty() || !s.dirty.empty(); });
      if (s.batches.empty() && s.dirty.empty()) return;
      dirty.swap(s.dirty);
      if (!s.batches.empty()) {
        batch = std::move(s.batches.front());
        s.batches.pop_front();
        const auto it = s.sources.find(batch->trigger->key);
        if (it != s.sources.end()) {
          for (const auto& b : it->second.blueprints) blueprints[b->id] = b;
        }
      }
    }
    for (const auto& trigger : dirty) {
      std::string health;
      {
        const std::lock_guard lock(trigger->mutex);
        trigger->health_dirty = false;
        health = trigger->health;
      }
      try {
        s.sql.write("source.health", [&] {
          s.sql.run("UPDATE sources SET health=?, updated_ns=? WHERE key=?", health, s.ports.now_ns(),
                    trigger->key);
        });
      } catch (const std::exception& e) {
        s.log(AOH_LOG_ERROR, "the state of source " + trigger->key + " could not be written: " + e.what());
      }
    }
    if (!batch) continue;
    aoh_status status = AOH_OK;
    std::int64_t taken = 0;
    try {
      faults::point("trigger.emit", batch->trigger->key);
      taken = store_batch(s.sql, *batch, blueprints, s.ports.now_ns(), s.limits.decisions_kept);
      s.backlog += taken;
    } catch (const std::exception& e) {
      status = AOH_E_INTERNAL;
      s.log(AOH_LOG_ERROR, "a batch of source " + batch->trigger->key +
                               " could not be stored, it will be offered again: " + e.what());
    }
    {
      const std::lock_guard lock(batch->trigger->mutex);
      batch->trigger->outstanding = false;
    }
    batch->done(batch->arg, status);  // may emit again, or end with stopped()
    if (taken > 0 && s.outside.on_events) s.outside.on_events();
  }
}

}  // namespace aoh::host
