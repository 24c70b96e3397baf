#include "triggers/rules_store.hpp"

#include <sys/stat.h>

#include "aoh/services/log.h"
#include "sessions/agent.hpp"

namespace aoh::host {
namespace {

// Carried out by the watchers of today; a rule with another one would be a promise that nobody keeps.
RulesFile only_carried_out(RulesFile rules, const std::string& file) {
  for (const Json& rule : rules.rules.items())
    for (const auto& action : rule["do"].members())
      if (action.key != "start" && action.key != "ignore")
        throw DocumentError(file + ": the rule \"" + rule["name"].str() + "\" wants " + action.key +
                            ", which is not carried out yet; only start and ignore are");
  return rules;
}

}  // namespace

std::string RulesStore::stamp(const std::vector<std::string>& blueprints) const {
  struct stat st {};
  if (::stat(file_.c_str(), &st) != 0) return "none";
  std::string out = std::to_string(st.st_ino) + "/" + std::to_string(st.st_size) + "/" +
                    std::to_string(st.st_mtim.tv_sec) + "." + std::to_string(st.st_mtim.tv_nsec);
  for (const auto& id : blueprints) out += " " + id;
  return out;
}

bool RulesStore::refresh(const std::function<Catalog()>& catalog, const std::vector<std::string>& blueprints,
                         std::int64_t now_ns) {
  const std::string now = stamp(blueprints);
  const bool first = std::exchange(first_, false);
  if (now == seen_) return false;
  seen_ = now;
  const std::string name = file_.string();
  RulesFile fresh;
  if (now == "none") {
    if (has_text()) sql_.write("rules", [&] { sql_.run("DELETE FROM rules"); });
  } else {
    try {
      const std::string text = read_document(file_, RulesLimits::kYaml.max_bytes);
      fresh = only_carried_out(parse_rules(text, name, catalog(), blueprints), name);
      sql_.write("rules", [&] {
        sql_.run(
            "INSERT INTO rules(one, text, applied_ns) VALUES(1,?,?) ON CONFLICT(one) DO UPDATE SET "
            "text=excluded.text, applied_ns=excluded.applied_ns",
            text, now_ns);
      });
    } catch (const DocumentError& e) {
      say(AOH_LOG_ERROR, std::string("the rules file is broken, the old rules stay in force: ") + e.what());
      if (!first) return false;
      try {
        Rows rows = sql_.query("SELECT text FROM rules");
        if (!rows.next()) return false;
        fresh =
            only_carried_out(parse_rules(rows.text(0), name + " (as it was)", catalog(), blueprints), name);
      } catch (const DocumentError& old) {
        say(AOH_LOG_ERROR,
            std::string("the old rules do not fit any more, none are in force: ") + old.what());
        return false;
      }
    }
  }
  if (fresh.rules == in_force_.rules || (fresh.rules.empty() && in_force_.rules.empty())) return false;
  in_force_ = std::move(fresh);
  say(AOH_LOG_INFO, std::to_string(in_force_.rules.size()) + " rules are in force");
  return true;
}

bool RulesStore::has_text() const { return sql_.query("SELECT 1 FROM rules").next(); }

void RulesStore::say(int level, const std::string& text) const {
  if (log_) log_(level, text);
}

}  // namespace aoh::host
