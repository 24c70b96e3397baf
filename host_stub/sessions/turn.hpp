// One turn of an agent: its steps for one input, then on_finish, each through the ledger.
#pragma once
#include <stop_token>
#include <string_view>

#include "sessions/agent.hpp"
#include "sessions/ports.hpp"
#include "sessions/session_store.hpp"
#include "sessions/turn_end.hpp"

namespace aoh::host {

/// Runs an input from its first unfinished ledger step. A step is written as started before its call, with
/// its arguments, and as done after it; a repetition has the same arguments and the same idempotency key
/// "<session>:<step>", so the tool can tell. Only a step that the tool itself refused (isError, neither
/// temporary nor uncertain) has a new key, "<session>:<step>:<n>", and arguments made anew when a person has
/// it run again. Blocks. Throws StoreError when the ledger cannot be written
/// (then nothing is known to be done that is not). An agent of type command: command.hpp; `halt` ends its
/// program when the host stops.
TurnResult run_turn(const Sql& sql, const Ports& ports, const Agent& agent, std::string_view session_id,
                    const Input& input, std::stop_token halt = {});

}  // namespace aoh::host
