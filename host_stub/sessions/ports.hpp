// What sessions and triggers need of the rest of the host, as plain functions: the host puts its services in,
// tests put in fakes.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "aoh/module.h"
#include "support/json.hpp"

namespace aoh::host {

/// A tool call of a session.
struct ToolCall {
  std::string tool;
  Json arguments;
  std::string session_id, agent_id;
  std::string step;             ///< of the ledger, unique in the session
  std::string idempotency_key;  ///< "<session>:<step>": the same at every repetition (run_turn says when not)
  Json grants;                  ///< {credential: ["read", ...]}
  std::string default_credential_id;  ///< the one that is granted, or empty
  Json taint;  ///< where the strangers' words that the session has read came from: an array of texts
  std::int64_t time_limit_ns = 0;  ///< what is left of the turn; 0: the tool's own limit
  std::stop_token cancelled;       ///< the agent gives the call up; advisory for the tool
};

/// A tool that an agent may be shown.
struct OfferedTool {
  Json mcp;                 ///< as MCP's tools/list shows it
  bool of_account = false;  ///< works with a credential, which the grants cover
  bool read_only = false;
  bool egress = false;  ///< sends something out of the house
};

/// How it ended.
struct ToolOutcome {
  aoh_status status = AOH_OK;
  Json result;          ///< the body of an MCP tool result; with AOH_OK
  std::string message;  ///< what went wrong, for a person; otherwise
  bool reached = true;  ///< false: refused before the tool could hear of it, so nothing took effect
};

/// All functions may be called from any thread, also at once. Unset ones do nothing (but call and now_ns,
/// which must be set).
struct Ports {
  std::function<std::int64_t()> now_ns;              ///< wall clock, nanoseconds since 1970
  std::function<ToolOutcome(const ToolCall&)> call;  ///< blocks until the call has ended
  /// The tools that `grants` cover, and those that touch no account; sorted by name.
  std::function<std::vector<OfferedTool>(const Json& grants)> tools;
  std::function<void(int level, std::string_view message)> log;  ///< level: AOH_LOG_*
  std::filesystem::path agent_guard;  ///< the program agent-guard; empty: agents of type command cannot run
};

/// Delays between attempts after a temporary failure: 30, 60, 300, 900, 3600 s. -1 when `attempts` (0: the
/// first failure) has used them up.
std::int64_t retry_delay_ns(std::int64_t attempts);

}  // namespace aoh::host
