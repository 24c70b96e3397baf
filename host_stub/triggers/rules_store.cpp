#include "triggers/rules_store.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "aoh/services/log.h"
#include "sessions/agent.hpp"

namespace aoh::host {
namespace {

constexpr const char* kNoFile = "none";

}  // namespace

// A file that cannot be looked at has a stamp, too: that it is missing must not be concluded from it.
std::string RulesStore::stamp() const {
  struct stat st {};
  if (::stat(file_.c_str(), &st) != 0) return errno == ENOENT ? kNoFile : "error " + std::to_string(errno);
  return std::to_string(st.st_ino) + "/" + std::to_string(st.st_size) + "/" +
         std::to_string(st.st_mtim.tv_sec) + "." + std::to_string(st.st_mtim.tv_nsec);
}

bool RulesStore::refresh(const std::function<Catalog()>& catalog, const std::vector<std::string>& blueprints,
                         std::int64_t now_ns) {
  const bool first = seen_.empty();
  const std::string file = stamp();
  const bool settled = std::exchange(looked_, file) == file;
  std::string now = file;
  for (const auto& id : blueprints) now += " " + id;
  if (now == seen_ && judged_) return false;
  // Editors write a file in pieces, or take it away before they put the new one there.
  if (!settled && !first) return false;
  RulesFile fresh;
  bool changed = true, judged = true;
  if (file == kNoFile) {
    if (has_text()) sql_.write("rules", [&] { sql_.run("DELETE FROM rules"); });
  } else {
    const Catalog known = catalog();
    // What is in force may only be let be if it was good.
    changed =
        read(known, blueprints, now_ns, fresh, judged) || ((first || !judged_) && read_stored(known, fresh));
  }
  seen_ = now;
  judged_ = judged;
  if (!changed || fresh.rules == in_force_.rules || (fresh.rules.empty() && in_force_.rules.empty()))
    return false;
  in_force_ = std::move(fresh);
  say(AOH_LOG_INFO, std::to_string(in_force_.rules.size()) + " rules are in force");
  return true;
}

bool RulesStore::read(const Catalog& catalog, const std::vector<std::string>& blueprints, std::int64_t now_ns,
                      RulesFile& fresh, bool& judged) {
  const std::string name = file_.string();
  try {
    const std::string text = read_document(file_, RulesLimits::kYaml.max_bytes);
    RulesFile rules = parse_rules(text, name, catalog, blueprints);
    const RulesJudgement judgement = judge_ ? judge_(rules) : RulesJudgement{};
    if (judgement.word == RulesJudgement::Word::refused) throw DocumentError(name + ": " + judgement.why);
    judged = judgement.word == RulesJudgement::Word::good;
    if (judged)
      sql_.write("rules", [&] {
        sql_.run(
            "INSERT INTO rules(one, text, applied_ns) VALUES(1,?,?) ON CONFLICT(one) DO UPDATE SET "
            "text=excluded.text, applied_ns=excluded.applied_ns",
            text, now_ns);
      });
    fresh = std::move(rules);
    return true;
  } catch (const DocumentError& e) {
    say(AOH_LOG_ERROR, std::string("the rules file is broken, the old rules stay in force: ") + e.what());
    return false;
  }
}

bool RulesStore::read_stored(const Catalog& catalog, RulesFile& fresh) const {
  Rows rows = sql_.query("SELECT text FROM rules");
  if (!rows.next()) return false;
  const std::string name = file_.string() + " (as it was)";
  try {
    fresh = parse_old_rules(rows.text(0), name, catalog);
    return true;
  } catch (const DocumentError& e) {
    say(AOH_LOG_ERROR, std::string("the old rules do not fit any more, none are in force: ") + e.what());
    return false;
  }
}

bool RulesStore::has_text() const { return sql_.query("SELECT 1 FROM rules").next(); }

void RulesStore::say(int level, const std::string& text) const {
  if (log_) log_(level, text);
}

}  // namespace aoh::host
