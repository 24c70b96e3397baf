#include "services/state.hpp"

#include "services/faults.hpp"

namespace aoh::host {
namespace {

constexpr std::string_view kOutbox = "outbox/";

std::string describe(const std::vector<State::Op>& ops) {
  std::string out;
  for (const auto& op : ops) {
    out += std::string(op.key);
    if (op.key.substr(0, kOutbox.size()) == kOutbox && !op.remove) try {
        out += ":" + Json::parse(op.value)["state"].str();
      } catch (const JsonError&) {
        out += ":?";
      }
    out += ' ';
  }
  return out;
}

}  // namespace

State::State(Db& db) : db_(db) {
  db_.exec(
      "CREATE TABLE IF NOT EXISTS state(module TEXT, key TEXT, version INTEGER NOT NULL, value BLOB NOT "
      "NULL, PRIMARY KEY(module, key))"
      " WITHOUT ROWID;"
      "CREATE TABLE IF NOT EXISTS state_version(one INTEGER PRIMARY KEY CHECK(one=1), last INTEGER NOT NULL);"
      "INSERT OR IGNORE INTO state_version VALUES(1, 0);");
}

std::optional<State::Value> State::get(std::string_view module, std::string_view key) const {
  Statement s(db_, "SELECT value, version FROM state WHERE module=? AND key=?");
  if (!s.with(module, key).step()) return std::nullopt;
  return Value{s.text(0), static_cast<std::uint64_t>(s.integer(1))};
}

bool State::apply(std::string_view module, const std::vector<Op>& ops) {
  const std::string detail = describe(ops);
  faults::point("state.apply", detail);
  {
    Transaction t(db_);
    for (const Op& op : ops) {
      if (op.expected_version != UINT64_MAX) {
        const auto now = get(module, op.key);
        if ((now ? now->version : 0) != op.expected_version) return false;
      }
      if (op.remove) {
        Statement s(db_, "DELETE FROM state WHERE module=? AND key=?");
        s.with(module, op.key).run();
        continue;
      }
      Statement(db_, "UPDATE state_version SET last=last+1").run();
      Statement s(db_,
                  "INSERT OR REPLACE INTO state(module, key, version, value) VALUES(?,?,(SELECT last FROM "
                  "state_version),?)");
      s.with(module, op.key).bind_blob(3, op.value).run();
    }
    t.commit();
  }
  faults::point("state.applied", detail);
  return true;
}

std::vector<std::pair<std::string, std::uint64_t>> State::list(std::string_view module,
                                                               std::string_view prefix,
                                                               std::string_view after,
                                                               std::size_t limit) const {
  std::vector<std::pair<std::string, std::uint64_t>> out;
  // The first key behind all that begin with the prefix, so that nothing behind them is read.
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xFF') end.pop_back();
  if (!end.empty()) ++end.back();
  Statement s(db_, std::string("SELECT key, version FROM state WHERE module=? AND key>=? AND key>? ") +
                       (end.empty() ? "AND key>=? " : "AND key<? ") + "ORDER BY key LIMIT ?");
  s.with(module, prefix, after, end, static_cast<std::int64_t>(limit));
  while (s.step()) out.emplace_back(s.text(0), static_cast<std::uint64_t>(s.integer(1)));
  return out;
}

std::vector<Json> State::outbox() const { return records("outbox/", "outbox0"); }
std::vector<Json> State::links() const { return records("links/", "links0"); }

std::vector<Json> State::attention(std::string_view credential) const {
  const std::string key = "attention/" + std::string(credential);
  return records(key, key + "!");  // which sorts before all that an id may go on with
}

void State::forget_attention(std::string_view credential) {
  Statement(db_, "DELETE FROM state WHERE key=?").with("attention/" + std::string(credential)).run();
}

/// Those with keys from `from` up to `to`, by age.
std::vector<Json> State::records(std::string_view from, std::string_view to) const {
  std::vector<Json> out;
  Statement s(db_, "SELECT module, value FROM state WHERE key>=? AND key<? ORDER BY version");
  s.with(from, to);
  while (s.step()) try {
      Json record = Json::parse(s.text(1));
      if (record.is_object()) out.push_back(record.set("module", s.text(0)));
    } catch (const JsonError&) {  // not a record that anybody can read
    }
  return out;
}

std::string State::resolve_outbox(std::string_view id, std::string_view state, std::string_view by,
                                  std::int64_t now) {
  if (state != "sent" && state != "failed" && state != "cancelled")
    return "an uncertain message is resolved as 'sent' or 'failed'";
  Transaction t(db_);
  std::string module, key;
  Json record;
  {
    Statement s(db_, "SELECT module, key, value FROM state WHERE key>='outbox/' AND key<'outbox0'");
    while (s.step()) {
      Json candidate;
      try {
        candidate = Json::parse(s.text(2));
      } catch (const JsonError&) {
        continue;
      }
      if (candidate["id"].str() != id) continue;
      module = s.text(0);
      key = s.text(1);
      record = std::move(candidate);
    }
  }
  if (key.empty()) return "there is no outbox record '" + std::string(id) + "'; see: host-stub outbox list";
  const std::string was = record["state"].str();
  if (state == "cancelled") {
    if (was != "queued")
      return "'" + std::string(id) + "' is " + was + ": only what waits in the outbox can be taken back";
  } else if (was != "uncertain" && was != "committing") {
    // A record that was being committed when the host died is as uncertain as one that says so.
    return "'" + std::string(id) + "' is " + was + ": only an uncertain one is resolved by hand";
  }
  record.set("state", state).set("resolved_by", by).set("updated_unix_ns", now);
  const std::string text = record.dump();
  if (!apply(module, {{key, text, UINT64_MAX, false}})) return "somebody else changed it; look again";
  t.commit();
  return {};
}

}  // namespace aoh::host
