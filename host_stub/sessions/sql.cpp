#include "sessions/sql.hpp"

namespace aoh::host {

void create_tables(const Sql& sql) {
  sql.write("create_tables", [&] {
    sql.db().exec(R"(
CREATE TABLE IF NOT EXISTS blueprints(
  id TEXT PRIMARY KEY, text TEXT NOT NULL, added_ns INTEGER NOT NULL);
-- The last text of the rules file that was right; one row at most.
CREATE TABLE IF NOT EXISTS rules(one INTEGER PRIMARY KEY CHECK(one=1), text TEXT NOT NULL, applied_ns INTEGER NOT NULL);
-- One running source: its cursor is opaque, its health the last that the module said.
CREATE TABLE IF NOT EXISTS sources(
  key TEXT PRIMARY KEY, source TEXT NOT NULL, cursor TEXT NOT NULL DEFAULT '', health TEXT NOT NULL DEFAULT '{}',
  state TEXT NOT NULL DEFAULT 'stopped', failures INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '',
  retry_ns INTEGER NOT NULL DEFAULT 0, updated_ns INTEGER NOT NULL DEFAULT 0);
-- state: pending, held, handed, merged, skipped, parked, dropped; done. One without a blueprint is an action of rules:
-- its session_key is the dedupe_key of the message's events, which are held until it has ended.
CREATE TABLE IF NOT EXISTS events(
  id INTEGER PRIMARY KEY AUTOINCREMENT, source_key TEXT NOT NULL, blueprint TEXT NOT NULL, dedupe_key TEXT NOT NULL,
  type TEXT NOT NULL, occurred_ns INTEGER NOT NULL, received_ns INTEGER NOT NULL, payload TEXT NOT NULL,
  session_key TEXT NOT NULL, state TEXT NOT NULL, due_ns INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '', session_id TEXT, UNIQUE(blueprint, dedupe_key));
CREATE INDEX IF NOT EXISTS events_due ON events(state, due_ns);
CREATE TABLE IF NOT EXISTS decisions(
  id INTEGER PRIMARY KEY, source_key TEXT NOT NULL, key TEXT NOT NULL, blueprint TEXT NOT NULL, decision TEXT NOT NULL,
  why TEXT NOT NULL, at_ns INTEGER NOT NULL);
-- Messages that a rule's limit has let through: which rule, whose, of_key the message. Gone after until_ns.
CREATE TABLE IF NOT EXISTS rule_counts(
  rule TEXT NOT NULL, who TEXT NOT NULL, of_key TEXT NOT NULL, at_ns INTEGER NOT NULL, until_ns INTEGER NOT NULL,
  PRIMARY KEY(rule, who, of_key));
CREATE INDEX IF NOT EXISTS rule_counts_until ON rule_counts(until_ns);
-- state: queued, running, waiting, finished, failed. taint: where strangers' words in it came from; it only grows
CREATE TABLE IF NOT EXISTS sessions(
  id TEXT PRIMARY KEY, blueprint TEXT NOT NULL, agent_id TEXT NOT NULL, key TEXT NOT NULL, state TEXT NOT NULL,
  created_ns INTEGER NOT NULL, active_ns INTEGER NOT NULL, due_ns INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  max_parallel INTEGER NOT NULL DEFAULT 0, error TEXT NOT NULL DEFAULT '', taint TEXT NOT NULL DEFAULT '[]');
CREATE INDEX IF NOT EXISTS sessions_due ON sessions(state, due_ns);
CREATE INDEX IF NOT EXISTS sessions_key ON sessions(blueprint, key, created_ns);
-- One turn of a session each. state: queued, done, failed, uncertain
CREATE TABLE IF NOT EXISTS inputs(
  session_id TEXT NOT NULL, seq INTEGER NOT NULL, event_id INTEGER UNIQUE, payload TEXT NOT NULL, inputs TEXT NOT NULL,
  on_finish TEXT NOT NULL, credential_id TEXT NOT NULL, state TEXT NOT NULL, error TEXT NOT NULL DEFAULT '',
  PRIMARY KEY(session_id, seq));
CREATE INDEX IF NOT EXISTS inputs_state ON inputs(state);
-- status: started, done, failed, uncertain, skipped. attempts: calls; tries: idempotency keys that they had
CREATE TABLE IF NOT EXISTS ledger(
  id INTEGER PRIMARY KEY AUTOINCREMENT, session_id TEXT NOT NULL, step TEXT NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL,
  tool TEXT NOT NULL, args TEXT NOT NULL, result TEXT NOT NULL DEFAULT '', status TEXT NOT NULL, error TEXT NOT NULL DEFAULT '',
  attempts INTEGER NOT NULL DEFAULT 1, started_ns INTEGER NOT NULL, ended_ns INTEGER NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 1, UNIQUE(session_id, step));
)");
    // Homes from before these columns. What an old session has read nobody knows any more.
    const auto lacks = [&](const char* table, const char* column) {
      return !sql.query("SELECT 1 FROM pragma_table_info(?) WHERE name=?", std::string_view(table),
                        std::string_view(column))
                  .next();
    };
    if (lacks("ledger", "tries")) sql.run("ALTER TABLE ledger ADD COLUMN tries INTEGER NOT NULL DEFAULT 1");
    if (lacks("sessions", "taint")) {
      sql.run("ALTER TABLE sessions ADD COLUMN taint TEXT NOT NULL DEFAULT '[]'");
      sql.run("UPDATE sessions SET taint='[\"unknown\"]'");
    }
  });
}

}  // namespace aoh::host
