#include "triggers/admin.hpp"

#include <charconv>
#include <ctime>
#include <ostream>

#include "calls/check.hpp"
#include "sessions/agent.hpp"
#include "sessions/session_store.hpp"

namespace aoh::host {
namespace {

/// RFC 3339 with milliseconds; "" for 0.
std::string time_text(std::int64_t ns) {
  if (ns <= 0) return {};
  const std::time_t seconds = ns / 1'000'000'000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[32];
  const auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S.", &parts);
  const auto ms = std::to_string(1000 + ns / 1'000'000 % 1000);
  return std::string(text, length) + ms.substr(1) + "Z";
}

/// What a stranger wrote goes to a terminal: control characters do not.
std::string printable(std::string_view text, std::size_t max_bytes) {
  const std::string_view shown = utf8_prefix(text, max_bytes);
  return without_controls(shown) + (shown.size() < text.size() ? "…" : "");
}

Json parsed(const std::string& text) {
  try {
    return text.empty() ? Json() : Json::parse(text);
  } catch (const JsonError&) {
    return text;
  }
}

struct SessionRow {
  std::string id, blueprint, agent, key, state, error;
  std::int64_t created = 0, active = 0, due = 0, inputs = 0, done = 0, failed = 0, uncertain = 0;
  Json json() const {
    Json out{{"id", id},
             {"blueprint", blueprint},
             {"agent_id", agent},
             {"key", key},
             {"state", state},
             {"created", time_text(created)},
             {"active", time_text(active)},
             {"inputs", inputs},
             {"done", done},
             {"failed", failed},
             {"uncertain", uncertain}};
    out.set_if(state == "waiting", "retry_at", time_text(due));
    out.set_if(!error.empty(), "error", error);
    return out;
  }
};

std::vector<SessionRow> session_rows(const Sql& sql, std::string_view where, std::string_view argument,
                                     int limit) {
  std::vector<SessionRow> out;
  Rows rows = sql.query(
      "SELECT s.id, s.blueprint, s.agent_id, s.key, s.state, s.error, s.created_ns, s.active_ns, s.due_ns, "
      "COUNT(i.seq), "
      "COALESCE(SUM(i.state='done'),0), COALESCE(SUM(i.state='failed'),0), "
      "COALESCE(SUM(i.state='uncertain'),0) "
      "FROM sessions s LEFT JOIN inputs i ON i.session_id=s.id WHERE " +
          std::string(where) + " GROUP BY s.id ORDER BY s.created_ns DESC, s.rowid DESC LIMIT ?2",
      argument, limit);
  while (rows.next()) {
    out.push_back({rows.text(0), rows.text(1), rows.text(2), rows.text(3), rows.text(4), rows.text(5),
                   rows.integer(6), rows.integer(7), rows.integer(8), rows.integer(9), rows.integer(10),
                   rows.integer(11), rows.integer(12)});
  }
  return out;
}

SessionRow session_row(const Sql& sql, std::string_view id) {
  auto rows = session_rows(sql, "s.id=?1", id, 1);
  if (rows.empty()) {
    throw std::runtime_error("there is no session \"" + std::string(utf8_prefix(id, 80)) +
                             "\"; sessions list shows them");
  }
  return rows.front();
}

void print_row(std::ostream& out, const SessionRow& row) {
  out << row.id << "  " << row.state << (row.uncertain > 0 ? " (uncertain)" : "") << "  "
      << time_text(row.created) << "  " << row.blueprint << " -> " << row.agent << "  "
      << printable(row.key, 60) << "  inputs " << row.done << "/" << row.inputs << "\n";
  if (row.state == "waiting") out << "    again at " << time_text(row.due) << "\n";
  if (!row.error.empty()) out << "    " << printable(row.error, 300) << "\n";
}

Json ledger_json(const Sql& sql, std::string_view id) {
  Json out = Json::array();
  Rows rows = sql.query(
      "SELECT step, kind, tool, args, result, status, error, attempts, started_ns, ended_ns FROM ledger "
      "WHERE session_id=? ORDER BY id",
      id);
  while (rows.next()) {
    Json step{{"step", rows.text(0)},
              {"kind", rows.text(1)},
              {"tool", rows.text(2)},
              {"arguments", parsed(rows.text(3))},
              {"status", rows.text(5)},
              {"attempts", rows.integer(7)},
              {"started", time_text(rows.integer(8))}};
    step.set_if(!rows.text(4).empty(), "result", parsed(rows.text(4)));
    step.set_if(!rows.text(6).empty(), "error", rows.text(6));
    step.set_if(rows.integer(9) > 0, "ended", time_text(rows.integer(9)));
    step.set_if(rows.integer(9) > 0, "ms", (rows.integer(9) - rows.integer(8)) / 1'000'000);
    out.push(std::move(step));
  }
  return out;
}

std::int64_t number_of(std::string_view which) {
  std::int64_t n = 0;
  const auto [p, ec] = std::from_chars(which.data(), which.data() + which.size(), n);
  if (ec != std::errc() || p != which.data() + which.size()) {
    throw std::runtime_error("\"" + std::string(utf8_prefix(which, 80)) +
                             "\" is not a number of parked list, and not \"all\"");
  }
  return n;
}

/// `state`: an SQL expression; `but`: an SQL condition, what "all" are.
std::int64_t change_parked(const Sql& sql, std::string_view which, std::string_view state,
                           const std::string& but, std::int64_t due_ns) {
  const auto changed = sql.write("parked", [&] {
    const std::string set =
        "UPDATE events SET state=" + std::string(state) + ", due_ns=?, attempts=0 WHERE state='parked' AND ";
    if (which == "all") return sql.run(set + but, due_ns);
    return sql.run(set + "id=?", due_ns, number_of(which));
  });
  if (changed == 0 && which != "all") {
    throw std::runtime_error("nothing is parked under the number " + std::string(utf8_prefix(which, 80)) +
                             "; parked list shows what is");
  }
  return changed;
}

}  // namespace

int print_json(const PrintTo& to, const Json& value) {
  to.out << value.dump(true) << "\n";
  return 0;
}

int sessions_list(const Sql& sql, std::string_view state, int limit, PrintTo to) {
  const auto rows =
      session_rows(sql,
                   state == "uncertain" ? "s.id IN (SELECT session_id FROM inputs WHERE state=?1)"
                                        : "(?1='' OR s.state=?1)",
                   state, limit);
  if (to.json) {
    Json all = Json::array();
    for (const auto& row : rows) all.push(row.json());
    return print_json(to, Json{{"sessions", std::move(all)}});
  }
  if (rows.empty()) to.out << "no sessions\n";
  for (const auto& row : rows) print_row(to.out, row);
  return 0;
}

int sessions_show(const Sql& sql, std::string_view id, PrintTo to) {
  const auto row = session_row(sql, id);
  Json inputs = Json::array();
  {
    Rows rows = sql.query(
        "SELECT i.seq, i.state, i.error, i.inputs, e.dedupe_key, e.received_ns, i.payload FROM inputs i LEFT "
        "JOIN events e ON e.id=i.event_id "
        "WHERE i.session_id=? ORDER BY i.seq",
        id);
    while (rows.next()) {
      Json input{{"input", rows.integer(0)},
                 {"state", rows.text(1)},
                 {"inputs", parsed(rows.text(3))},
                 {"event", rows.text(4)},
                 {"received", time_text(rows.integer(5))},
                 {"trigger", parsed(rows.text(6))}};
      input.set_if(!rows.text(2).empty(), "error", rows.text(2));
      inputs.push(std::move(input));
    }
  }
  const Json ledger = ledger_json(sql, id);
  if (to.json) {
    Json all = row.json();
    all.set("taint", session_taint(sql, id));
    all.set("turns", std::move(inputs));
    all.set("ledger", ledger);
    return print_json(to, all);
  }
  print_row(to.out, row);
  for (const auto& input : inputs.items()) {
    to.out << "  input " << input["input"].integer() << "  " << input["state"].str() << "  "
           << input["received"].str() << "  " << printable(input["event"].str(), 80) << "\n";
    if (input.has("error")) to.out << "    " << printable(input["error"].str(), 300) << "\n";
  }
  for (const auto& step : ledger.items()) {
    to.out << "  " << step["step"].str() << "  " << step["tool"].str() << "  " << step["status"].str();
    if (step.has("ms")) to.out << "  " << step["ms"].integer() << " ms";
    if (step["attempts"].integer() > 1) to.out << "  attempt " << step["attempts"].integer();
    to.out << "\n";
    if (step.has("error")) to.out << "    " << printable(step["error"].str(), 300) << "\n";
  }
  return 0;
}

int sessions_replay(const Sql& sql, std::string_view id, PrintTo to) {
  session_row(sql, id);
  const Json ledger = ledger_json(sql, id);
  if (to.json) return print_json(to, Json{{"ledger", ledger}});
  to.out << "nothing is called; this is what was\n";
  for (const auto& step : ledger.items()) {
    to.out << step["step"].str() << ": "
           << (step["tool"].str().empty() ? step["kind"].str() : step["tool"].str()) << " "
           << printable(step["arguments"].dump(), 1000) << "\n  " << step["status"].str() << ": "
           << printable(step.has("error") ? step["error"].str() : step["result"].dump(), 1000) << "\n";
  }
  return 0;
}

int sessions_retry(const Sql& sql, std::string_view id, std::int64_t now_ns, PrintTo to) {
  session_row(sql, id);
  const auto [again, uncertain] = sql.write("sessions.retry", [&] {
    const auto n =
        sql.run("UPDATE inputs SET state='queued', error='' WHERE session_id=? AND state='failed'", id);
    // Waiting ones need no new input: their time has come now.
    const auto m = sql.run(
        "UPDATE sessions SET state='queued', due_ns=?, attempts=0, error='' WHERE id=? AND (?>0 OR "
        "state='waiting') AND state<>'running'",
        now_ns, id, n);
    Rows rows = sql.query("SELECT COUNT(*) FROM inputs WHERE session_id=? AND state='uncertain'", id);
    return std::pair{n + m, rows.next() ? rows.integer(0) : 0};
  });
  if (again == 0) {
    throw std::runtime_error(
        "session " + std::string(id) + " has nothing to retry" +
        (uncertain > 0
             ? "; it is uncertain whether its reply went out: look at outbox list, then outbox resolve"
             : ""));
  }
  if (to.json) return print_json(to, Json{{"id", id}, {"state", "queued"}});
  to.out << "session " << id << " is queued again\n";
  return 0;
}

int parked_list(const Sql& sql, PrintTo to) {
  Json all = Json::array();
  {
    Rows rows = sql.query(
        "SELECT id, blueprint, dedupe_key, received_ns, attempts, error, CASE WHEN blueprint='' AND "
        "json_valid(payload) THEN json_extract(payload, '$.rule') END FROM events WHERE state='parked' "
        "ORDER BY id LIMIT 1000");
    while (rows.next()) {
      const bool action = rows.text(1).empty();
      all.push(Json{{"number", rows.integer(0)},
                    {"kind", action ? "action" : "event"},
                    {action ? "rule" : "blueprint", rows.text(action ? 6 : 1)},
                    {"event", rows.text(2)},
                    {"received", time_text(rows.integer(3))},
                    {"attempts", rows.integer(4)},
                    {"error", rows.text(5)}});
    }
  }
  {
    // What a module could not make an event of: nothing can be retried here, but somebody must hear of it.
    Rows rows = sql.query(
        "SELECT source_key, blueprint, key, at_ns, why FROM decisions WHERE decision='parked' ORDER BY id "
        "DESC LIMIT 1000");
    while (rows.next()) {
      all.push(Json{{"kind", "message"},
                    {"source", rows.text(0)},
                    {"blueprint", rows.text(1)},
                    {"event", rows.text(2)},
                    {"received", time_text(rows.integer(3))},
                    {"error", rows.text(4)}});
    }
  }
  {
    Rows rows = sql.query("SELECT key, failures, error FROM sources WHERE state='parked' ORDER BY key");
    while (rows.next())
      all.push(Json{{"kind", "source"},
                    {"source", rows.text(0)},
                    {"failures", rows.integer(1)},
                    {"error", rows.text(2)}});
  }
  if (to.json) return print_json(to, Json{{"parked", std::move(all)}});
  if (all.empty()) to.out << "nothing is parked\n";
  for (const auto& entry : all.items()) {
    if (entry.has("number")) {
      const bool action = entry["kind"].str() == "action";
      to.out << entry["number"].integer() << "  "
             << (action ? "action of " + printable(entry["rule"].str(), 200) : entry["blueprint"].str())
             << "  " << entry["received"].str() << "  " << printable(entry["event"].str(), 80);
    } else if (entry["kind"].str() == "message") {
      to.out << "message " << printable(entry["event"].str(), 120) << "  " << entry["blueprint"].str() << "  "
             << entry["received"].str() << "; look at it with a mail reader, it is not handed over";
    } else {
      to.out << "source " << printable(entry["source"].str(), 120) << " after " << entry["failures"].integer()
             << " failures; host-stub run tries it anew at its start";
    }
    to.out << "\n    " << printable(entry["error"].str(), 300) << "\n";
  }
  return 0;
}

int parked_retry(const Sql& sql, std::string_view which, std::int64_t now_ns, PrintTo to) {
  // Also a released one waits for the actions of its message. What a person must let go is named by number.
  const auto n = change_parked(
      sql, which,
      "CASE WHEN blueprint<>'' AND EXISTS(SELECT 1 FROM events a WHERE a.state='pending' AND a.blueprint='' "
      "AND "
      "a.source_key=events.source_key AND a.session_key=events.dedupe_key) THEN 'held' ELSE 'pending' END",
      "error NOT LIKE 'approval:%'", now_ns);
  if (to.json) return print_json(to, Json{{"released", n}});
  to.out << n << " released\n";
  return 0;
}

int parked_drop(const Sql& sql, std::string_view which, PrintTo to) {
  const auto n = change_parked(sql, which, "'dropped'", "1", 0);
  if (to.json) return print_json(to, Json{{"dropped", n}});
  to.out << n << " dropped\n";
  return 0;
}

Json sources_json(const Sql& sql) {
  Json all = Json::array();
  Rows rows = sql.query(
      "SELECT key, source, state, failures, error, retry_ns, updated_ns, health FROM sources ORDER BY key");
  while (rows.next()) {
    Json entry{{"key", rows.text(0)},
               {"source", rows.text(1)},
               {"state", rows.text(2)},
               {"failures", rows.integer(3)},
               {"updated", time_text(rows.integer(6))},
               {"health", parsed(rows.text(7))}};
    entry.set_if(!rows.text(4).empty(), "error", rows.text(4));
    entry.set_if(rows.text(2) == "backoff", "retry_at", time_text(rows.integer(5)));
    all.push(std::move(entry));
  }
  return all;
}

}  // namespace aoh::host
