// The conformance checker behind `host-stub plugins check MODULE`: what a plugin developer runs first.
//
// Every case runs in a child process with a time limit, so that a crash or a hang is a result with words and
// the next case goes on.
#pragma once
#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "support/json.hpp"

namespace aoh::host::checker {

struct CaseResult {
  std::string name;
  std::string about;  ///< what the case looks at, one line
  bool passed = false;
  std::string message;  ///< why it failed; or what a passed case has to note, may be empty
  std::int64_t ms = 0;
};

struct Report {
  std::filesystem::path library;
  std::vector<CaseResult> cases;

  bool passed() const;
  /// One line a case: "pass  NAME" or "FAIL  NAME - why"; then a line with the totals.
  std::string text() const;
  Json json() const;
};

struct CheckOptions {
  std::string only = {};  ///< name of the one case to run; empty: all
  std::chrono::milliseconds case_limit{30'000};
};

/// Names of the cases, in order.
std::vector<std::string> case_names();

/// Runs the cases on a module. Forks: to be called from a process with one thread. Throws
/// std::invalid_argument for an unknown case (with the nearest name).
Report check(const std::filesystem::path& library, const CheckOptions& options = {});

}  // namespace aoh::host::checker
