// What `run` runs: sources, hand-over and sessions, put together and shut down in order.
#pragma once
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "calls/engine.hpp"
#include "loader/registry.hpp"
#include "services/clock.hpp"
#include "services/store.hpp"
#include "sessions/ports.hpp"
#include "triggers/supervisor.hpp"

namespace aoh::host {

/// The host's parts that automation works with; all outlive it.
struct AutomationParts {
  Db* db = nullptr;
  Clock* clock = nullptr;
  const Registry* registry = nullptr;
  CallEngine* engine = nullptr;
  std::function<void(int level, std::string_view message)> log;  ///< level: AOH_LOG_*
  /// A trigger_id now stands for its source's credential, or no longer does: aoh.vault/1 hands out by it.
  std::function<void(const std::string& trigger_id, const std::string& module,
                     const std::string& credential_id)>
      trigger_opened;
  std::function<void(const std::string& trigger_id)> trigger_closed;
};

struct AutomationOptions {
  unsigned workers = 4;  ///< sessions at work at once
  std::vector<std::filesystem::path> agent_folders;
  std::filesystem::path rules_file;   ///< may be missing, may come and change at any time
  std::filesystem::path agent_guard;  ///< the program agent-guard
  SupervisorLimits limits;
};

/// Thread-safe. The destructor stops what still runs and waits for it; call the engine's drain() before.
class Automation {
 public:
  Automation(AutomationParts parts, AutomationOptions options);
  ~Automation();
  Automation(const Automation&) = delete;
  Automation& operator=(const Automation&) = delete;

  /// Goes on with what the last run left, starts the sources of all stored blueprints. Broken ones are logged
  /// and left out.
  void start();
  /// Blueprints were added or removed by this process, parked work was released, time was moved: look at
  /// once. What other processes write is noticed within a second.
  void reload();
  /// First step of the end: no new session, no hand-over, sources asked to end. Then drain the engine, then
  /// stop().
  void begin_stop();
  /// True when every source has ended by the deadline. Waits for sessions at work, whose calls the engine has
  /// cancelled.
  bool stop(std::chrono::steady_clock::time_point deadline);
  /// Sources with their state and the module's last word on them.
  std::vector<SourceStatus> sources() const;
  /// A parked or failed source is tried at once.
  void restart_source(std::string_view key);

 private:
  struct Running;
  std::unique_ptr<Running> r_;
};

/// Calls of sessions through the engine: blocking, with the tool's own time limit or what is left of the
/// turn.
std::function<ToolOutcome(const ToolCall&)> call_port(CallEngine& engine, const Clock& clock,
                                                      const Registry& registry);
/// The tools that grants cover, for an agent to be shown.
std::function<std::vector<OfferedTool>(const Json& grants)> tools_port(const CallEngine& engine,
                                                                       const Registry& registry);
/// What blueprints may name, out of the loaded modules.
Catalog catalog_of(const Registry& registry);

}  // namespace aoh::host
