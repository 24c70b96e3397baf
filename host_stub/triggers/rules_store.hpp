// The rules of a home: its file rules.yaml, read anew when it changes. What is broken leaves the old rules in
// force, and says so; also after a restart.
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sessions/sql.hpp"
#include "triggers/rules_file.hpp"

namespace aoh::host {

/// What the module says of rules that its schemas accept.
struct RulesJudgement {
  enum class Word {
    good,
    refused,  ///< they count as broken
    nobody,  ///< it cannot be asked now: they are in force, but not yet the copy that a restart falls back to
  };
  Word word = Word::good;
  std::string why;  ///< refused: what is wrong, one line
};

/// For one thread at a time.
class RulesStore {
 public:
  using Judge = std::function<RulesJudgement(const RulesFile&)>;
  /// `judge` may be empty: all are good. So may `log` (level: AOH_LOG_*).
  RulesStore(Sql sql, std::filesystem::path file, Judge judge, std::function<void(int, std::string_view)> log)
      : sql_(sql), file_(std::move(file)), judge_(std::move(judge)), log_(std::move(log)) {}

  /// Looks at the file, and reads it when it, as seen at two looks in a row, or the list of blueprints is not
  /// as it was; only then `catalog` is called. The first look is acted on at once. True when other rules are
  /// in force now. Throws StoreError; the next look tries again.
  bool refresh(const std::function<Catalog()>& catalog, const std::vector<std::string>& blueprints,
               std::int64_t now_ns);
  const RulesFile& in_force() const { return in_force_; }

 private:
  std::string stamp() const;
  /// False: it is broken, which is logged. `judged`: not when the module could not be asked.
  bool read(const Catalog& catalog, const std::vector<std::string>& blueprints, std::int64_t now_ns,
            RulesFile& fresh, bool& judged);
  bool read_stored(const Catalog& catalog, RulesFile& fresh) const;
  bool has_text() const;
  void say(int level, const std::string& text) const;

  Sql sql_;
  std::filesystem::path file_;
  Judge judge_;
  std::function<void(int, std::string_view)> log_;
  RulesFile in_force_;
  std::string looked_;  // the file's stamp at the last look
  std::string seen_;    // the one that was acted on, with the blueprints; empty: none yet
  bool judged_ = true;  // has the module had its say on it?
};

}  // namespace aoh::host
