// One turn of a script agent: the steps for one input, then on_finish, each through the ledger.
#pragma once
#include <string>

#include "sessions/agent.hpp"
#include "sessions/ports.hpp"
#include "sessions/session_store.hpp"

namespace aoh::host {

enum class TurnEnd {
  done,
  later,      ///< a temporary failure: again after delay_ns or by the schedule
  failed,     ///< permanent; a person may retry
  uncertain,  ///< a step whose effect is unknown: never repeated by itself
  stopped,    ///< the host is shutting down: the step runs again at the next start
};

struct TurnResult {
  TurnEnd end = TurnEnd::done;
  std::string error;
  std::int64_t delay_ns = 0;  ///< at least this long until the next attempt
};

/// Runs an input from its first unfinished ledger step. A step is written as started before its call, with
/// its arguments, and as done after it; a repetition has the same arguments and the same idempotency key
/// "<session>:<step>", so the tool can tell. Only a step that the tool itself refused (isError, neither
/// temporary nor uncertain) has a new key, "<session>:<step>:<n>", and arguments made anew when a person has
/// it run again. Blocks. Throws StoreError when the ledger cannot be written
/// (then nothing is known to be done that is not).
TurnResult run_turn(const Sql& sql, const Ports& ports, const Agent& agent, std::string_view session_id,
                    const Input& input);

}  // namespace aoh::host
