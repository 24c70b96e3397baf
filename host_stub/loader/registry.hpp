// All modules of a host: found in folders, let through the gate, given an instance, looked up, shut down in
// order.
#pragma once
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loader/gate.hpp"
#include "loader/module.hpp"

namespace aoh::host {

class Registry {
 public:
  struct Options {
    std::vector<std::filesystem::path> folders;  ///< searched in order; the first module of an id wins
    GateOptions gate;
  };
  /// A module in a folder, its code not loaded. `error` is set when its manifest is unreadable, invalid, or
  /// its id is taken.
  struct Found {
    std::filesystem::path library;
    std::optional<Manifest> manifest;
    std::string error;
    bool trusted = false;
    std::string trust_note;  ///< why, or why not
  };
  struct ToolRef {
    Module* module = nullptr;
    const ToolSpec* spec = nullptr;
    explicit operator bool() const { return module != nullptr; }
  };
  struct SourceRef {
    Module* module = nullptr;
    const TriggerSource* spec = nullptr;
    explicit operator bool() const { return module != nullptr; }
  };
  struct FinishRef {
    Module* module = nullptr;
    const FinishAction* spec = nullptr;
    const ToolSpec* tool = nullptr;
    explicit operator bool() const { return module != nullptr; }
  };
  struct CredentialTypeRef {
    Module* module = nullptr;
    const CredentialType* spec = nullptr;
    explicit operator bool() const { return module != nullptr; }
  };
  struct Failure {
    std::filesystem::path library;
    std::string why;
  };

  explicit Registry(Options options);
  /// Modules that were not shut down are leaked on purpose: their threads may run.
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  /// Looks into the folders (*.so with *.json beside). Loads no code.
  std::vector<Found> find() const;
  /// Where a module given as an id or as a path to its .so stands. Throws std::runtime_error naming the
  /// folders searched and the nearest id.
  std::filesystem::path locate(const std::string& id_or_path) const;

  /// Lets every found module through the gate and makes its instance. One module's failure does not stop the
  /// others. make_host: an aoh_host for the module, alive until drop_host; config: the module's configuration
  /// (validated here against the manifest's schema).
  struct InstanceMaker {
    std::function<const aoh_host*(Module&)> make_host;
    std::function<Json(const Manifest&)> config;  ///< may be empty: {}
    std::function<void(Module&)> drop_host;       ///< after destroy; may be empty
  };
  std::vector<Failure> open_all(const InstanceMaker& maker);
  /// One module. Throws GateError, or std::runtime_error when create or its configuration fails, or when it
  /// clashes with a loaded one.
  Module& open(const std::filesystem::path& library, const InstanceMaker& maker);

  // After opening the set of modules does not change; lookups are safe from any thread.
  std::vector<Module*> modules() const;
  Module* module(std::string_view id) const;
  ToolRef tool(std::string_view name) const;
  SourceRef source(std::string_view name) const;
  FinishRef finish_action(std::string_view name) const;
  CredentialTypeRef credential_type(std::string_view type) const;
  std::vector<ToolRef> tools() const;  ///< sorted by name
  std::vector<std::string> tool_names() const;
  std::vector<std::string> source_names() const;
  std::vector<std::string> finish_action_names() const;

  /// For each module, in reverse order of opening: close (no new use), quiesce. The caller then stops
  /// triggers and cancels calls.
  void quiesce(std::chrono::steady_clock::time_point deadline);
  /// Destroys every instance once nothing uses it; one that is still used at the deadline is left alive and
  /// named in the result.
  std::vector<std::string> destroy(std::chrono::steady_clock::time_point deadline);

 private:
  struct Slot {
    std::unique_ptr<Module> module;
    InstanceMaker maker;
  };
  Options options_;
  std::vector<Slot> slots_;
};

}  // namespace aoh::host
