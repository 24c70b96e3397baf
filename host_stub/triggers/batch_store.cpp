#include "triggers/batch_store.hpp"

#include <algorithm>
#include <set>

namespace aoh::host {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kLongest = 3660 * 86'400;  // s; a limit's period
constexpr std::size_t kMostLimits = 50;           // of one event

using ByEvent = std::pair<std::string, std::string>;  // dedupe key, blueprint

/// The decisions that say more of their event than words.
std::map<ByEvent, const Json*> terms_of(const Json& decisions) {
  std::map<ByEvent, const Json*> out;
  for (const Json& d : decisions.items())
    if (d.has("limits") || d.has("approval")) out[{d["key"].str(), d["blueprint"].str()}] = &d;
  return out;
}

struct Limit {
  std::string rule, who, of;
  std::int64_t most = 0, per_ns = 0;
  explicit Limit(const Json& j)
      : rule(utf8_prefix(j["rule"].str(), 300)),
        who(utf8_prefix(j["who"].str(), 400)),
        of(utf8_prefix(j["of"].str(), 512)),
        most(j["most"].integer()),
        per_ns(std::clamp<std::int64_t>(j["per_s"].integer(), 1, kLongest) * kSecond) {}
};

/// Why the limits do not let a message through; where they do it is counted, and "".
std::string over(const Sql& sql, const Json& limits, std::int64_t now_ns) {
  std::vector<Limit> open;
  for (const Json& j : limits.items()) {
    if (open.size() == kMostLimits) break;
    Limit l(j);
    if (sql.query("SELECT 1 FROM rule_counts WHERE rule=? AND who=? AND of_key=?", l.rule, l.who, l.of)
            .next())
      continue;
    // Those of a clock that was set back since do not count.
    Rows rows = sql.query("SELECT COUNT(*) FROM rule_counts WHERE rule=? AND who=? AND at_ns>? AND at_ns<=?",
                          l.rule, l.who, now_ns - l.per_ns, now_ns);
    if (rows.next() && rows.integer(0) >= l.most)
      return l.rule + ": more than " + std::to_string(l.most) + " within " +
             std::to_string(l.per_ns / kSecond) + " s of " + (l.who.empty() ? "nobody" : l.who);
    open.push_back(std::move(l));
  }
  for (const Limit& l : open)
    sql.run("INSERT INTO rule_counts(rule, who, of_key, at_ns, until_ns) VALUES(?,?,?,?,?)", l.rule, l.who,
            l.of, now_ns, now_ns + l.per_ns);
  return {};
}

}  // namespace

std::int64_t store_batch(const Sql& sql, const Batch& batch, const BlueprintsById& blueprints,
                         std::int64_t now_ns, std::int64_t decisions_kept) {
  const std::string& key = batch.trigger->key;
  const auto terms = terms_of(batch.decisions);
  std::set<std::string_view> moved;  // keys of the messages that an action takes elsewhere
  for (const auto& event : batch.events)
    if (event.blueprint.empty() && event.value["holds"].boolean()) moved.insert(event.value["of"].str());
  std::int64_t taken = 0;
  sql.write("emit", [&] {
    std::map<ByEvent, std::string> limited;  // and why
    if (!terms.empty()) sql.run("DELETE FROM rule_counts WHERE until_ns<=?", now_ns);
    for (const auto& event : batch.events) {
      const auto it = blueprints.find(event.blueprint);
      const auto* blueprint = it == blueprints.end() ? nullptr : it->second.get();
      const auto term = terms.find({event.dedupe_key, event.blueprint});
      std::string state = "pending", why;
      if (term != terms.end() && term->second->has("limits") &&
          !sql.query("SELECT 1 FROM events WHERE blueprint=? AND dedupe_key=?", event.blueprint,
                     event.dedupe_key)
               .next()) {
        if (auto no = over(sql, (*term->second)["limits"], now_ns); !no.empty()) {
          limited[term->first] = std::move(no);
          continue;
        }
      }
      if (term != terms.end() && term->second->has("approval")) {
        state = "parked";
        why = "approval: rule \"" + std::string(utf8_prefix((*term->second)["approval"].str(), 200)) + "\"";
      } else if (!event.blueprint.empty() && moved.contains(event.dedupe_key)) {
        state = "held";
      }
      std::string session = "message:" + event.dedupe_key;
      if (event.blueprint.empty())
        session = event.value["of"].str_or(event.dedupe_key);
      else if (blueprint != nullptr)
        session = session_key(*blueprint, event.value, event.dedupe_key);
      const bool waits = blueprint != nullptr && blueprint->session_template != SessionTemplate::per_message;
      const auto rows = sql.run(
          "INSERT INTO events(source_key, blueprint, dedupe_key, type, occurred_ns, received_ns, "
          "payload, session_key, state, due_ns, error) "
          "VALUES(?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(blueprint, dedupe_key) DO NOTHING",
          key, event.blueprint, event.dedupe_key, event.type, event.occurred_ns, now_ns, event.payload,
          session, state, now_ns + (waits ? blueprint->debounce_ns : 0), why);
      if (state != "parked") taken += rows;
    }
    for (const auto& d : batch.decisions.items()) {
      const auto no = limited.find({d["key"].str(), d["blueprint"].str()});
      sql.run("INSERT INTO decisions(source_key, key, blueprint, decision, why, at_ns) VALUES(?,?,?,?,?,?)",
              key, utf8_prefix(d["key"].str(), 512), utf8_prefix(d["blueprint"].str(), 64),
              no == limited.end() ? utf8_prefix(d["decision"].str(), 32) : std::string_view("rate_limited"),
              utf8_prefix(no == limited.end() ? d["why"].str() : no->second, 1000), now_ns);
    }
    if (!batch.decisions.empty())
      sql.run("DELETE FROM decisions WHERE id<=?", sql.last_id() - decisions_kept);
    sql.run(
        "INSERT INTO sources(key, source, cursor, state, updated_ns) VALUES(?,?,?,'running',?) ON "
        "CONFLICT(key) DO UPDATE SET cursor=excluded.cursor, updated_ns=excluded.updated_ns",
        key, key.substr(0, key.find(' ')), batch.cursor, now_ns);
  });
  return taken;
}

}  // namespace aoh::host
