// What a case of the checker works with. Internal to checker/.
#pragma once
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "checker/fake_call.hpp"
#include "checker/fake_host.hpp"
#include "loader/gate.hpp"
#include "loader/module.hpp"

namespace aoh::host::checker {

using std::chrono::milliseconds;

/// Says what the child does now, for the words of a crash or a hang.
void step(const std::string& what);
/// Ends the case, from any thread.
[[noreturn]] void fail(const std::string& why);
[[noreturn]] void pass(const std::string& note = {});
inline void expect(bool ok, const std::string& why) {
  if (!ok) fail(why);
}

struct Case {
  const char* name;
  const char* about;
  void (*run)(const std::filesystem::path& library);
};

// The cases, by what they look at; each file has a list.
std::vector<Case> load_cases();
std::vector<Case> create_cases();
std::vector<Case> call_cases();
std::vector<Case> trigger_cases();
std::vector<Case> end_cases();

/// The module loaded in the child, not yet created.
std::unique_ptr<Module> load(const std::filesystem::path& library);

/// A module with an instance in a fake host that knows a credential for whatever the module asks.
struct Live {
  explicit Live(const std::filesystem::path& library) : Live(library, FakeHost::Options{}) {}
  Live(const std::filesystem::path& library, FakeHost::Options options);
  /// Another instance for the same loaded module is made by create() after destroy().
  void create();
  /// quiesce, destroy.
  void destroy();
  const Manifest& manifest() const { return module->manifest(); }

  std::unique_ptr<Module> module;
  std::unique_ptr<FakeHost> host;
};

/// Secrets that were planted for the module's credentials; nothing it says may contain one.
std::vector<std::string> planted_secrets();
/// Breaches that the fake host saw, as a failure; nothing when there are none.
void expect_no_breach(const FakeHost& host);

/// Runs a tool in a thread of its own and waits for finish(); fails the case when it does not come in time.
struct Called {
  aoh_status returned = AOH_OK;  ///< by invoke; negative: the call was not touched
  aoh_status status = AOH_OK;    ///< by finish
  std::string result;
  std::vector<FakeCall::Progress> progress;
};
Called call(Live& live, const std::string& tool, const std::string& arguments, FakeCall::Options options = {},
            const std::function<void(FakeCall&)>& meanwhile = {},
            milliseconds limit = std::chrono::seconds(12));
/// The arguments of an example, with names of credentials and numbers of ports that the fake host has.
struct Example {
  const ToolSpec* tool;
  std::string arguments, label;
};
std::vector<Example> examples(const Manifest& manifest);
/// A finished call's result must be what module.h and the manifest say. allow_status: a negative status is
/// fine.
void expect_valid_result(const ToolSpec& tool, const Called& called, const std::string& label,
                         bool allow_status);

/// The sources of the manifest as source_json, for trigger_start.
std::string source_json(const TriggerSource& source, const std::string& trigger_id, int blueprints = 1);

/// What a module must leave alone in its process.
struct ProcessFacts {
  std::vector<std::string> threads, descriptors, timers;
  std::vector<std::pair<int, const void*>> handlers;
  std::string locale, directory;
  std::vector<std::string> environment;
  unsigned umask = 0;

  static ProcessFacts now();
  /// "" or what changed: "it left 1 thread running; it changed the handler of SIGTERM".
  std::string changed_since(const ProcessFacts& before) const;
};
/// Compares until it is the same or half a second passed (a joined thread stays visible for a moment).
std::string settled_difference(const ProcessFacts& before);

/// Bytes allocated now, exact; of the sanitizer's allocator where there is one.
std::size_t allocated_bytes();

}  // namespace aoh::host::checker
