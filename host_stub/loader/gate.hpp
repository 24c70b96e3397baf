// The load gate: what a module must pass before any of its code runs in this process, and before it is used.
#pragma once
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "loader/error.hpp"
#include "loader/manifest.hpp"
#include "loader/module.hpp"
#include "loader/trust.hpp"

namespace aoh::host {

struct GateOptions {
  const TrustTable* trust = nullptr;                 ///< nullptr: nothing is trusted by record
  std::optional<std::filesystem::path> development;  ///< modules in this folder are trusted without a record
  bool trust_everything = false;                     ///< the checker's: it examines what nobody trusts yet
  std::chrono::milliseconds probe_limit{5000};       ///< for loading in the child
  std::function<bool(std::string_view service_id)> has_service;  ///< empty: every service is there
};

/// Takes a module through all steps, in order, and returns it loaded, without an instance. Throws GateError.
/// `library` may be relative; what is loaded is its canonical absolute path. The probe forks: best called
/// before the process has many threads. It runs for trusted modules, too: their hashes say nothing about the
/// libraries that they load.
std::unique_ptr<Module> pass_gate(const std::filesystem::path& library, const GateOptions& options);

/// Steps of the gate on their own, for the checker. Each throws GateError.
namespace gate {
Manifest manifest(const std::filesystem::path& library);
void trust(const std::filesystem::path& library, const Manifest& manifest, const GateOptions& options);
void exports(const std::filesystem::path& library);
void probe(const std::filesystem::path& library, std::chrono::milliseconds limit);
/// The raw table; the library stays mapped for good.
const aoh_module* load(const std::filesystem::path& library);
void version(const std::filesystem::path& library, const aoh_module& raw);
void describe(const Module& module);
void services(const Module& module, const GateOptions& options);
}  // namespace gate

/// weather.json beside weather.so.
std::filesystem::path manifest_of(const std::filesystem::path& library);

}  // namespace aoh::host
