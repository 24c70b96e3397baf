// The host put together: home, store, services, modules, calls, automation, each opened when it is first
// needed, closed in order.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "calls/engine.hpp"
#include "cli/command.hpp"
#include "loader/registry.hpp"
#include "services/clock.hpp"
#include "services/credentials.hpp"
#include "services/home.hpp"
#include "services/knowledge.hpp"
#include "services/log.hpp"
#include "services/metrics.hpp"
#include "services/state.hpp"
#include "services/store.hpp"
#include "triggers/automation.hpp"

namespace aoh::host {

/// One process's host on one home, whose lock the caller holds. Verbs may use it from several threads once
/// open_modules() was called; before that from one only.
class App {
 public:
  /// A module that was found and not loaded.
  struct NotLoaded {
    Registry::Found found;
    std::string why;
  };

  /// `note` is told, a line at a time, what whoever started this should know.
  App(const Command& options, Home home, std::function<void(std::string_view)> note);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  const Home& home() const;
  Db& db();
  Log& log();
  Clock& clock();
  VirtualClock* virtual_clock();  ///< nullptr: time is the system's
  Credentials& credentials();
  Vault& vault();
  State& state();
  /// Records the hashes of a module that passed the gate's other steps.
  TrustTable::Entry trust(const Manifest& manifest, const std::filesystem::path& library);
  Registry& registry();
  CallEngine& engine();
  Knowledge& knowledge();
  Metrics& metrics();

  /// Modules as they lie in the folders, no code loaded; those shadowed by an earlier folder left out.
  std::vector<Registry::Found> find() const;
  /// Loads every module that may be; the others are in not_loaded().
  void open_modules();
  const std::vector<NotLoaded>& not_loaded() const;
  /// Makes sure that the tool's module is loaded, and no more than that. Throws CliError: why it is not, or
  /// no such tool.
  void need_tool(std::string_view tool);
  /// The same for the module of a credential type.
  void need_credential_type(std::string_view type);

  /// What blueprints may name: of the loaded modules when all are open, else of those that lie in the
  /// folders.
  Catalog catalog();
  /// Sources, hand-over and sessions; open_modules() comes first.
  void start_automation();
  Automation* automation();  ///< nullptr: only `run` has it

  /// Ends everything in order, within the time: triggers, calls, modules, timers. What did not end, one line
  /// each; then the process should end soon, since what those use is never freed.
  std::vector<std::string> shut_down(std::chrono::milliseconds limit);
  /// Threads of a module are still at work in this process: it must end by _exit, without tearing down what
  /// they use.
  static bool left_behind();

 private:
  struct Parts;
  std::unique_ptr<Parts> p_;
};

}  // namespace aoh::host
