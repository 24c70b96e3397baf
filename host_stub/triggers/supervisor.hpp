// Runs trigger sources: one per source key with all its blueprints, restarted when it fails, its batches
// stored in one transaction.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "aoh/module.h"
#include "loader/module.hpp"
#include "sessions/ports.hpp"
#include "sessions/sql.hpp"
#include "triggers/blueprint.hpp"

namespace aoh::host {

/// The functions of the module that serves a source; `pin` keeps it alive while the source runs.
struct SourceModule {
  std::string module;
  std::shared_ptr<void> pin;
  std::function<Outcome(std::string_view source_json, std::string_view cursor, aoh_trigger*)> start;
  std::function<Outcome(aoh_trigger*, std::string_view source_json)> reconfigure;
  std::function<void(aoh_trigger*)> stop;
  std::function<void(std::string_view what)> breach;  ///< the module broke a rule
};

/// Of a loaded module; its pin is empty when the module takes no new work.
SourceModule source_module(Module& module);

/// What the supervisor needs from outside. All may be called from any thread.
struct SupervisorPorts {
  std::function<SourceModule(std::string_view source)> module;  ///< empty pin: nobody serves it now
  /// A trigger_id now stands for work with these credentials, or no longer does (aoh.vault/1 asks by it). May
  /// be unset.
  std::function<void(const std::string& trigger_id, const std::string& module,
                     const std::string& credential_id)>
      opened;
  std::function<void(const std::string& trigger_id)> closed;
  std::function<void()> on_events;  ///< events were stored
};

struct SupervisorLimits {
  std::int64_t backlog =
      1000;  ///< unfinished events and inputs from which on emit answers BUSY, until half of it
  std::int64_t park_after = 8;  ///< failures in a row after which a source rests until a person restarts it
  std::int64_t steady_ns = 600'000'000'000;  ///< a source that ran this long has no failures behind it
  std::size_t cursor_bytes = 64u << 10;
  std::int64_t decisions_kept = 100'000;
};

/// A source as people see it.
struct SourceStatus {
  std::string key, source, state, error,
      trigger_id;  ///< state: starting, running, backoff, parked, stopping, stopped
  std::vector<std::string> blueprints;
  std::int64_t failures = 0, retry_ns = 0;
  Json health;  ///< the module's last word
};

/// Two threads: one starts, restarts and stops, one stores batches. Thread-safe.
class Supervisor {
 public:
  Supervisor(Sql sql, const Ports& ports, SupervisorPorts outside, SupervisorLimits limits = {});
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// The blueprints that are to run from now on; sources are started, reconfigured (the cursor stays) and
  /// stopped to match.
  void apply(std::vector<std::shared_ptr<const Blueprint>> blueprints);
  /// The rules of all sources of this name from now on; running ones are reconfigured, parked and waiting
  /// ones started again at once: the rules may be what they failed by.
  void apply_rules(std::string_view source, Json rules);
  /// A parked or waiting source is started again at once.
  void restart(std::string_view key);
  /// Looks again at due times and back-pressure; the rest of the host calls it when time was moved or work
  /// was done.
  void poke();
  /// Asks all sources to end; true when every one has by `deadline` (their modules may then be destroyed).
  bool stop(std::chrono::steady_clock::time_point deadline);
  std::vector<SourceStatus> status() const;

  // In supervisor_trigger.hpp.
  struct Trigger;
  struct Source;
  struct Shared;

 private:
  void manage(const std::stop_token& token);
  void store(const std::stop_token& token);

  std::shared_ptr<Shared> shared_;
  std::jthread manager_, writer_;
};

/// The key under which a source is stored: its name and its key fields.
std::string source_key_text(const Blueprint& blueprint);

}  // namespace aoh::host
