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

/// For one thread at a time.
class RulesStore {
 public:
  /// `log` (level: AOH_LOG_*) may be empty.
  RulesStore(Sql sql, std::filesystem::path file, std::function<void(int, std::string_view)> log)
      : sql_(sql), file_(std::move(file)), log_(std::move(log)) {}

  /// Looks at the file, and reads it when it or the list of blueprints is not as it was; only then `catalog`
  /// is called. True when other rules are in force now. A file with an action that is not carried out yet
  /// counts as broken.
  bool refresh(const std::function<Catalog()>& catalog, const std::vector<std::string>& blueprints,
               std::int64_t now_ns);
  const RulesFile& in_force() const { return in_force_; }

 private:
  std::string stamp(const std::vector<std::string>& blueprints) const;
  bool has_text() const;
  void say(int level, const std::string& text) const;

  Sql sql_;
  std::filesystem::path file_;
  std::function<void(int, std::string_view)> log_;
  RulesFile in_force_;
  std::string seen_;  // the file's stamp at the last look
  bool first_ = true;
};

}  // namespace aoh::host
