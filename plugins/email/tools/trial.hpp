// What was tried of an account, step by step, for people and as JSON.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "net/endpoint.hpp"
#include "support/json.hpp"

namespace mailroom::tools {

struct Step {
  const char* name;
  enum class State { ok, failed, skipped } state = State::skipped;
  std::int64_t ms = 0;
  std::string detail{};  // ours, never the server's words
  Error error{};
};

/// What was tried with one server.
struct Trial {
  const char* server;  // "oauth", "imap", "smtp" or "mail"
  net::Endpoint endpoint;
  std::vector<Step> steps;

  /// Throws Failure(internal) for a name that is none of the steps'.
  Step& step(std::string_view name);
  bool has_failed() const;
  void passed(std::string_view name, std::int64_t ns, std::string detail = {});
  void failed(std::string_view name, std::int64_t ns, Error error);
};

/// A line a step.
std::string text_of(const Trial& trial);
/// {server, where, tls, ok, steps}; `ok` where no step failed.
aoh::Json json_of(const Trial& trial);

}  // namespace mailroom::tools
