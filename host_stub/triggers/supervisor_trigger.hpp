// Private to the supervisor: the host's side of aoh_trigger, and what the threads share.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>

#include "triggers/supervisor.hpp"

namespace aoh::host {

/// One event, copied out of the module's memory.
struct StoredEvent {
  std::int64_t occurred_ns = 0;
  std::string type, blueprint, dedupe_key, payload;
  Json value;
};

/// A batch on its way to the database.
struct Batch {
  std::shared_ptr<Supervisor::Trigger> trigger;
  std::vector<StoredEvent> events;
  Json decisions;
  std::string cursor;
  void (*done)(void*, aoh_status) = nullptr;
  void* arg = nullptr;
};

/// One run of a source. The module holds `table.abi`; it stays valid, and answers AOH_E_STATE, even after
/// stopped().
struct Supervisor::Trigger : std::enable_shared_from_this<Supervisor::Trigger> {
  struct Table {
    aoh_trigger abi{};
    Trigger* self = nullptr;
  };
  Table table;  // the module's pointer is one to its first member
  std::weak_ptr<Shared> home;
  std::string key, id;
  std::function<void(std::string_view)> breach;
  std::atomic<bool> stopping{false};

  mutable std::mutex mutex;  // guards what follows; innermost: nothing is locked or called under it
  bool outstanding = false, stopped = false, busy = false, health_dirty = false;
  aoh_status end_status = AOH_OK;
  std::string end_why;
  std::string health;  // JSON; empty: none yet
  void (*ready)(void*) = nullptr;
  void* ready_arg = nullptr;

  void fill_table();
  void misuse(const std::string& what) const;
};

/// What is to run under a key, and what does.
struct Supervisor::Source {
  std::string key, source, credential_id;
  Json key_json;
  std::vector<std::shared_ptr<const Blueprint>> blueprints;  // empty: it is to stop
  std::shared_ptr<Trigger> trigger;                          // what runs
  SourceModule module;
  std::string applied;          // the blueprints and rules that it runs with, or was refused
  std::uint64_t looked_at = 0;  // Shared::version when they were compared with what is wanted
  std::string written;          // what of it the database has, as remember() writes it
  std::string state = "stopped", error;
  std::int64_t failures = 0, retry_ns = 0, started_ns = 0;
  std::string last_health;
};

struct Supervisor::Shared {
  Sql sql;
  Ports ports;
  SupervisorPorts outside;
  SupervisorLimits limits;

  mutable std::mutex
      mutex;  // guards what follows, and what is in a Source; never held while a module is called
  std::condition_variable_any wake_manager, wake_writer;
  std::map<std::string, Source, std::less<>> sources;
  std::string rules_source;
  Json rules = Json::array();
  std::uint64_t rules_version = 0, version = 1;  // of the rules; of the rules and blueprints
  std::deque<Batch> batches;
  std::vector<std::shared_ptr<Trigger>> dirty;  // their health is to be written
  std::deque<std::shared_ptr<Trigger>> ended;   // kept so that a late call finds memory, not a hole
  std::uint64_t pokes = 0;
  bool stopping = false;
  std::atomic<std::int64_t> backlog{0};

  Shared(Sql s, const Ports& p, SupervisorPorts o, SupervisorLimits l)
      : sql(s), ports(p), outside(std::move(o)), limits(l) {}
  void poke();
  void log(int level, const std::string& text) const {
    if (ports.log) ports.log(level, text);
  }
};

}  // namespace aoh::host
