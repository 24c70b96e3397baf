// From stored events to sessions: each event to exactly one session per blueprint, in one transaction.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "sessions/ports.hpp"
#include "sessions/session_store.hpp"
#include "triggers/blueprint.hpp"

namespace aoh::host {

/// Hands pending events over. Temporary failures (the store) are tried again by retry_delay_ns, then parked;
/// what a person must mend (a template, a missing agent or blueprint) is parked at once, with the reason. Not
/// thread-safe: one thread at a time.
class Handover {
 public:
  using FindBlueprint = std::function<std::shared_ptr<const Blueprint>(std::string_view id)>;
  /// The catalog's finish actions are what `on_finish` is mapped by. agent_exists may be empty: not checked.
  Handover(const Sql& sql, const Ports& ports, Catalog catalog, FindBlueprint find,
           std::function<bool(std::string_view)> agent_exists)
      : sql_(sql),
        ports_(ports),
        catalog_(std::move(catalog)),
        find_(std::move(find)),
        agent_exists_(std::move(agent_exists)) {}

  /// Handles the next due event, and those that are merged with it. False: none is due.
  bool hand_over_one();
  /// When the next pending event becomes due (wall clock, ns); INT64_MAX: none is pending.
  std::int64_t next_due();

 private:
  struct Event {
    std::int64_t id = 0, attempts = 0;
    std::string blueprint, dedupe_key, session_key;
    Json payload;
    std::string unreadable;  // why payload is none: it must not hold up the others
  };
  std::optional<Event> due_event();
  void hand_over(const Event& event, const Blueprint& blueprint);
  NewInput make_input(const Blueprint& blueprint, const Event& event, const Json& payload) const;
  void park(const Event& event, std::string_view why);
  void later(const Event& event, std::string_view why);

  const Sql sql_;
  const Ports& ports_;
  Catalog catalog_;
  FindBlueprint find_;
  std::function<bool(std::string_view)> agent_exists_;
};

}  // namespace aoh::host
