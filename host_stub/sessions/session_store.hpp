// Sessions, their inputs and their ledger in the database. Every function runs inside the caller's
// Sql::write() or with().
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sessions/sql.hpp"
#include "support/json.hpp"

namespace aoh::host {

/// What a hand-over gives to a session: one turn.
struct NewInput {
  std::string blueprint, agent_id;
  std::string key;                ///< which session: sender:..., thread:..., shared, message:...
  std::int64_t idle_ns = 0;       ///< a session idle for longer is not continued; 0: any age
  bool fresh = false;             ///< a session of its own in any case
  std::int64_t max_parallel = 0;  ///< of the blueprint; 0: no limit
  std::int64_t event_id = 0;
  Json payload;
  Json inputs;
  Json on_finish;  ///< [{action, tool, fields, arguments: {tool argument: field}, trigger: {tool argument:
                   ///< value}}]
  std::string credential_id;
};

struct Input {
  std::int64_t seq = 0;
  Json payload, inputs, on_finish;
  std::string credential_id, blueprint;
};

/// A line of the ledger.
struct Step {
  std::string step, kind, tool, status, error;
  Json args, result;
  std::int64_t attempts = 0;
  std::int64_t tries = 1;  ///< which idempotency key it has
};

/// The session that an input for (blueprint, key) continues now; empty when a new one is to be opened.
std::string session_to_continue(const Sql& sql, std::int64_t now_ns, std::string_view blueprint,
                                std::string_view key, std::int64_t idle_ns);
/// True while the session has work: queued, running or waiting.
bool session_busy(const Sql& sql, std::string_view session_id);
/// Puts the input into its session, opening one where needed, and makes that session due. Returns its id.
std::string add_input(const Sql& sql, std::int64_t now_ns, const NewInput& input);

struct Claimed {
  std::string id, agent_id;
  std::int64_t attempts = 0;
};
/// Marks the next due session as running. `limit_reached` tells of blueprints that may not run more now.
std::optional<Claimed> claim_session(const Sql& sql, std::int64_t now_ns);
/// When the next waiting session becomes due; INT64_MAX: none waits.
std::int64_t next_session_due(const Sql& sql);
std::optional<Input> next_input(const Sql& sql, std::string_view session_id);
void finish_input(const Sql& sql, std::string_view session_id, std::int64_t seq, std::string_view state,
                  std::string_view error);
void set_session(const Sql& sql, std::string_view session_id, std::string_view state, std::int64_t due_ns,
                 std::int64_t attempts, std::string_view error, std::int64_t now_ns);
/// Ends a session that has no input left: failed when one of its inputs failed or is uncertain, else
/// finished.
void close_session(const Sql& sql, std::string_view session_id, std::int64_t now_ns);
/// After a crash or a stop: what was running is due again.
std::int64_t requeue_running(const Sql& sql, std::int64_t now_ns);

std::optional<Step> find_step(const Sql& sql, std::string_view session_id, std::string_view step);
/// Writes the step as started, with its `tries`; one that is there already keeps its arguments and counts an
/// attempt.
void start_step(const Sql& sql, std::string_view session_id, std::int64_t seq, const Step& step,
                std::int64_t now_ns);
void end_step(const Sql& sql, std::string_view session_id, std::string_view step, std::string_view status,
              const Json& result, std::string_view error, std::int64_t now_ns);
/// A person has said what became of the outbox record `outbox_id`, for which a step is uncertain. Sent: the
/// session goes on from that step, whose tool answers from its record. Not sent: the input has failed, and
/// sessions retry repeats the step under its old key. Returns the session; empty when none waits for it.
std::string settle_uncertain(const Sql& sql, std::string_view outbox_id, bool sent, std::int64_t now_ns);
std::vector<Step> steps_of(const Sql& sql, std::string_view session_id, std::int64_t seq);

/// Where the strangers' words that the session has read came from: an array of texts, "trigger:<blueprint>"
/// for an input, what the tool said (`_meta.aoh.taint`) for a result. It only grows, to 64 at most; what
/// comes then counts as "more".
Json session_taint(const Sql& sql, std::string_view session_id);
/// Adds to it. `sources`: an array of texts or of anything else, which is taken as its JSON; each is cut at
/// 200 bytes.
void taint_session(const Sql& sql, std::string_view session_id, const Json& sources);

/// What aoh.session/1 tells of a session; null when there is none.
Json session_json(const Sql& sql, std::string_view session_id);
/// A module's note in the ledger (aoh.session/1 append).
void append_note(const Sql& sql, std::string_view session_id, const Json& note, std::int64_t now_ns);

/// Work on record that is not done: pending events and queued inputs.
std::int64_t backlog(const Sql& sql);

}  // namespace aoh::host
