// One tool call of a session and the ledger, whoever the agent is: what is asked for, and what the ledger
// says of the answer.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "sessions/ports.hpp"
#include "sessions/session_store.hpp"
#include "sessions/turn_end.hpp"

namespace aoh::host {

/// The call that `step` is, with the idempotency key of its `tries`, what the session has read so far, and
/// `time_ns` left for it.
ToolCall request_of(const Sql& sql, std::string_view session_id, std::string_view agent_id, const Step& step,
                    const Json& grants, std::int64_t time_ns);

struct Verdict {
  TurnResult end;
  std::string status;  ///< for the ledger: done, failed, uncertain; started: the same arguments may go again
};
/// What an outcome means. Drops a result that is too large to keep (4 MiB). `stopped` is not to be written
/// down: the step stays started.
Verdict verdict_of(ToolOutcome& outcome);
/// Writes the step's end, and what taints the session from now on.
void record_verdict(const Sql& sql, std::string_view session_id, std::string_view step,
                    const Verdict& verdict, const ToolOutcome& outcome, std::int64_t now_ns);

/// The tool said for certain that nothing came of it: a repetition is new work, with a key of its own.
/// Any other failure (a crash within the tool, an answer too large to keep) leaves it open whether something
/// took effect, and the tool must be able to tell by the old key.
bool plainly_refused(const Step& step);

}  // namespace aoh::host
