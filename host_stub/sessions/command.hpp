// An agent that is a program: started for one input, spoken to in MCP over its standard streams, ended with
// all that it started. docs/agents.md says what it sees.
#pragma once
#include <stop_token>
#include <string_view>

#include "sessions/agent.hpp"
#include "sessions/ports.hpp"
#include "sessions/session_store.hpp"
#include "sessions/turn_end.hpp"

namespace aoh::host {

struct CommandEnd {
  TurnResult result;
  Json output;  ///< with done: output_text, output_html, tokens, as session_finish gave them
};

/// Runs the program to its end on this thread, and its calls one after the other on another. Time is real
/// time here, whatever clock the host shows: processes live in it. `halt`: the host stops; the turn is run
/// again at the next start. Throws StoreError.
CommandEnd run_command(const Sql& sql, const Ports& ports, const Agent& agent, std::string_view session_id,
                       const Input& input, const Json& grants, const std::stop_token& halt);

}  // namespace aoh::host
