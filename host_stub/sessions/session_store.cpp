#include "sessions/session_store.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <system_error>

namespace aoh::host {
namespace {

/// "s" and 16 hex digits; random, so that a home restored from a copy does not use an idempotency key again.
std::string new_session_id() {
  std::array<unsigned char, 8> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  std::string id = "s";
  for (const unsigned char b : bytes) {
    id += "0123456789abcdef"[b >> 4];
    id += "0123456789abcdef"[b & 15];
  }
  return id;
}

/// Stored text was written by this program; one that does not read is null.
Json stored(const std::string& text) {
  try {
    return text.empty()
               ? Json()
               : Json::parse(text, {.max_bytes = 64u << 20, .max_depth = 128, .max_values = 4'000'000});
  } catch (const JsonError&) {
    return {};
  }
}

/// True when a module says that a stranger wrote some of it: {"email": {"untrusted": true, ...}}.
bool untrusted(const Json& payload) {
  for (const auto& member : payload.members())
    if (member.value["untrusted"].boolean()) return true;
  return false;
}

}  // namespace

std::string session_to_continue(const Sql& sql, std::int64_t now_ns, std::string_view blueprint,
                                std::string_view key, std::int64_t idle_ns) {
  Rows rows = sql.query(
      "SELECT id, active_ns, state FROM sessions WHERE blueprint=? AND key=? ORDER BY created_ns DESC, rowid "
      "DESC LIMIT 1",
      blueprint, key);
  if (!rows.next()) return {};
  const std::string state = rows.text(2);
  const bool busy = state == "queued" || state == "running" || state == "waiting";
  if (!busy && idle_ns > 0 && now_ns - rows.integer(1) > idle_ns) return {};
  return rows.text(0);
}

bool session_busy(const Sql& sql, std::string_view session_id) {
  return sql
      .query("SELECT 1 FROM sessions WHERE id=? AND state IN ('queued','running','waiting')", session_id)
      .next();
}

std::string add_input(const Sql& sql, std::int64_t now_ns, const NewInput& input) {
  std::string id = input.fresh ? std::string()
                               : session_to_continue(sql, now_ns, input.blueprint, input.key, input.idle_ns);
  std::int64_t seq = 1;
  if (id.empty()) {
    id = new_session_id();
    sql.run(
        "INSERT INTO sessions(id, blueprint, agent_id, key, state, created_ns, active_ns, due_ns, "
        "max_parallel) "
        "VALUES(?,?,?,?,'queued',?,?,?,?)",
        id, input.blueprint, input.agent_id, input.key, now_ns, now_ns, now_ns, input.max_parallel);
  } else {
    Rows rows = sql.query("SELECT COALESCE(MAX(seq),0)+1 FROM inputs WHERE session_id=?", id);
    if (rows.next()) seq = rows.integer(0);
    sql.run("UPDATE sessions SET active_ns=?, agent_id=?, max_parallel=? WHERE id=?", now_ns, input.agent_id,
            input.max_parallel, id);
    sql.run(
        "UPDATE sessions SET state='queued', due_ns=?, attempts=0 WHERE id=? AND state IN "
        "('finished','failed')",
        now_ns, id);
  }
  sql.run(
      "INSERT INTO inputs(session_id, seq, event_id, payload, inputs, on_finish, credential_id, state) "
      "VALUES(?,?,?,?,?,?,?,'queued')",
      id, seq, input.event_id, input.payload.dump(), input.inputs.dump(), input.on_finish.dump(),
      input.credential_id);
  if (untrusted(input.payload)) taint_session(sql, id, Json::array({"trigger:" + input.blueprint}));
  return id;
}

std::optional<Claimed> claim_session(const Sql& sql, std::int64_t now_ns) {
  Claimed claimed;
  {
    Rows rows = sql.query(
        "SELECT id, agent_id, attempts FROM sessions s WHERE state IN ('queued','waiting') AND due_ns<=? AND "
        "(max_parallel=0 OR "
        "(SELECT COUNT(*) FROM sessions r WHERE r.state='running' AND "
        "r.blueprint=s.blueprint)<s.max_parallel) "
        "ORDER BY due_ns, rowid LIMIT 1",
        now_ns);
    if (!rows.next()) return std::nullopt;
    claimed = {rows.text(0), rows.text(1), rows.integer(2)};
  }
  sql.run("UPDATE sessions SET state='running', active_ns=? WHERE id=?", now_ns, claimed.id);
  return claimed;
}

std::int64_t next_session_due(const Sql& sql) {
  Rows rows = sql.query("SELECT MIN(due_ns) FROM sessions WHERE state IN ('queued','waiting')");
  return rows.next() && !rows.null(0) ? rows.integer(0) : std::numeric_limits<std::int64_t>::max();
}

std::optional<Input> next_input(const Sql& sql, std::string_view session_id) {
  Rows rows = sql.query(
      "SELECT i.seq, i.payload, i.inputs, i.on_finish, i.credential_id, s.blueprint FROM inputs i JOIN "
      "sessions s ON s.id=i.session_id "
      "WHERE i.session_id=? AND i.state='queued' ORDER BY i.seq LIMIT 1",
      session_id);
  if (!rows.next()) return std::nullopt;
  return Input{rows.integer(0),      stored(rows.text(1)), stored(rows.text(2)),
               stored(rows.text(3)), rows.text(4),         rows.text(5)};
}

void finish_input(const Sql& sql, std::string_view session_id, std::int64_t seq, std::string_view state,
                  std::string_view error) {
  sql.run("UPDATE inputs SET state=?, error=? WHERE session_id=? AND seq=?", state, error, session_id, seq);
}

void set_session(const Sql& sql, std::string_view session_id, std::string_view state, std::int64_t due_ns,
                 std::int64_t attempts, std::string_view error, std::int64_t now_ns) {
  sql.run("UPDATE sessions SET state=?, due_ns=?, attempts=?, error=?, active_ns=? WHERE id=?", state, due_ns,
          attempts, error, now_ns, session_id);
}

void close_session(const Sql& sql, std::string_view session_id, std::int64_t now_ns) {
  std::string error;
  bool bad = false;
  {
    Rows rows = sql.query(
        "SELECT state, error FROM inputs WHERE session_id=? AND state IN ('failed','uncertain') ORDER BY seq "
        "DESC LIMIT 1",
        session_id);
    if (rows.next()) {
      bad = true;
      error = rows.text(1);
    }
  }
  set_session(sql, session_id, bad ? "failed" : "finished", 0, 0, error, now_ns);
}

std::int64_t requeue_running(const Sql& sql, std::int64_t now_ns) {
  return sql.run("UPDATE sessions SET state='queued', due_ns=? WHERE state='running'", now_ns);
}

namespace {

constexpr const char* kStepColumns =
    "SELECT step, kind, tool, status, error, args, result, attempts, tries FROM ledger ";

Step step_of(const Rows& rows) {
  return {rows.text(0),         rows.text(1),         rows.text(2),    rows.text(3),   rows.text(4),
          stored(rows.text(5)), stored(rows.text(6)), rows.integer(7), rows.integer(8)};
}

}  // namespace

std::optional<Step> find_step(const Sql& sql, std::string_view session_id, std::string_view step) {
  Rows rows = sql.query(std::string(kStepColumns) + "WHERE session_id=? AND step=?", session_id, step);
  if (!rows.next()) return std::nullopt;
  return step_of(rows);
}

void start_step(const Sql& sql, std::string_view session_id, std::int64_t seq, const Step& step,
                std::int64_t now_ns) {
  sql.run(
      "INSERT INTO ledger(session_id, step, seq, kind, tool, args, status, started_ns, tries) "
      "VALUES(?,?,?,?,?,?,'started',?,?) "
      "ON CONFLICT(session_id, step) DO UPDATE SET status='started', error='', attempts=attempts+1, "
      "started_ns=excluded.started_ns, tries=excluded.tries",
      session_id, step.step, seq, step.kind, step.tool, step.args.dump(), now_ns, step.tries);
}

void end_step(const Sql& sql, std::string_view session_id, std::string_view step, std::string_view status,
              const Json& result, std::string_view error, std::int64_t now_ns) {
  sql.run("UPDATE ledger SET status=?, result=?, error=?, ended_ns=? WHERE session_id=? AND step=?", status,
          result.dump(), error, now_ns, session_id, step);
}

std::string settle_uncertain(const Sql& sql, std::string_view outbox_id, bool sent, std::int64_t now_ns) {
  std::string session, step;
  std::int64_t seq = 0;
  {
    Rows rows = sql.query("SELECT session_id, step, seq, result FROM ledger WHERE status='uncertain'");
    while (step.empty() && rows.next()) {
      if (stored(rows.text(3)).path("structuredContent.outbox_id").str() != outbox_id) continue;
      session = rows.text(0);
      step = rows.text(1);
      seq = rows.integer(2);
    }
  }
  if (step.empty()) return {};
  if (sent) {
    sql.run("UPDATE ledger SET status='started', error='' WHERE session_id=? AND step=?", session, step);
    finish_input(sql, session, seq, "queued", "");
    sql.run(
        "UPDATE sessions SET state='queued', due_ns=?, attempts=0, error='' WHERE id=? AND state IN "
        "('finished','failed')",
        now_ns, session);
  } else {
    const std::string why = "a person says that it was not sent";
    end_step(sql, session, step, "failed", {}, why, now_ns);
    finish_input(sql, session, seq, "failed", why);
    if (!session_busy(sql, session)) close_session(sql, session, now_ns);
  }
  return session;
}

std::vector<Step> steps_of(const Sql& sql, std::string_view session_id, std::int64_t seq) {
  std::vector<Step> out;
  Rows rows =
      sql.query(std::string(kStepColumns) + "WHERE session_id=? AND seq=? ORDER BY id", session_id, seq);
  while (rows.next()) out.push_back(step_of(rows));
  return out;
}

Json session_taint(const Sql& sql, std::string_view session_id) {
  Rows rows = sql.query("SELECT taint FROM sessions WHERE id=?", session_id);
  if (!rows.next()) return Json::array();
  Json taint = stored(rows.text(0));
  // What does not read must not pass for clean.
  return taint.is_array() ? taint : Json::array({"unknown"});
}

void taint_session(const Sql& sql, std::string_view session_id, const Json& sources) {
  constexpr std::size_t kMost = 64, kBytes = 200;
  Json taint = session_taint(sql, session_id);
  const std::size_t before = taint.size();
  for (const Json& source : sources.items()) {
    const Json text(std::string(utf8_prefix(source.is_string() ? source.str() : source.dump(), kBytes)));
    const auto has = [&](const Json& one) {
      return std::find(taint.items().begin(), taint.items().end(), one) != taint.items().end();
    };
    if (has(text)) continue;
    if (taint.size() + 1 < kMost)
      taint.push(text);
    else if (!has("more"))
      taint.push("more");
  }
  if (taint.size() != before) sql.run("UPDATE sessions SET taint=? WHERE id=?", taint.dump(), session_id);
}

Json session_json(const Sql& sql, std::string_view session_id) {
  Rows rows = sql.query(
      "SELECT s.id, s.agent_id, s.blueprint, s.key, s.state, (SELECT payload FROM inputs i WHERE "
      "i.session_id=s.id ORDER BY seq LIMIT 1) "
      "FROM sessions s WHERE s.id=?",
      session_id);
  if (!rows.next()) return {};
  return Json{{"session_id", rows.text(0)}, {"agent_id", rows.text(1)}, {"blueprint", rows.text(2)},
              {"key", rows.text(3)},        {"state", rows.text(4)},    {"trigger", stored(rows.text(5))}};
}

void append_note(const Sql& sql, std::string_view session_id, const Json& note, std::int64_t now_ns) {
  sql.run(
      "INSERT INTO ledger(session_id, step, seq, kind, tool, args, result, status, started_ns, ended_ns) "
      "SELECT ?1, 'note/' || (SELECT COALESCE(MAX(id),0)+1 FROM ledger), COALESCE((SELECT MIN(seq) FROM "
      "inputs WHERE session_id=?1 AND "
      "state='queued'),0), 'note', '', '{}', ?2, 'done', ?3, ?3",
      session_id, note.dump(), now_ns);
}

std::int64_t backlog(const Sql& sql) {
  Rows rows = sql.query(
      "SELECT (SELECT COUNT(*) FROM events WHERE state IN ('pending','held')) + (SELECT COUNT(*) FROM inputs "
      "WHERE "
      "state='queued')");
  return rows.next() ? rows.integer(0) : 0;
}

}  // namespace aoh::host
