// What the command line does with blueprints, sessions and parked work. Each prints to `out`, as text for
// people or JSON, and returns the exit status; what is wrong is thrown as std::runtime_error with a line for
// a person (DocumentError: line and column). They work on the database alone, so they need no running host;
// one that runs notices within a second (Automation::reload: at once).
#pragma once
#include <filesystem>
#include <iosfwd>
#include <string>
#include <string_view>

#include "sessions/sql.hpp"
#include "triggers/catalog.hpp"

namespace aoh::host {

struct PrintTo {
  std::ostream& out;
  bool json = false;
};

int print_json(const PrintTo& to, const Json& value);  ///< 0

/// Of source cron also with its next three times after `now_ns`; one that has none any more is a mistake,
/// too.
int blueprint_check(const std::filesystem::path& file, const Catalog& catalog, std::int64_t now_ns,
                    PrintTo to);
/// Copies the file into the home after checking it. One of the same name is replaced; the cursor stays.
int blueprint_add(const Sql& sql, const std::filesystem::path& file, const Catalog& catalog,
                  std::int64_t now_ns, PrintTo to);
int blueprint_list(const Sql& sql, const Catalog& catalog, PrintTo to);
int blueprint_remove(const Sql& sql, std::string_view id, PrintTo to);

/// state: queued, running, waiting, finished, failed, uncertain, or empty for all; the newest `limit`.
int sessions_list(const Sql& sql, std::string_view state, int limit, PrintTo to);
int sessions_show(const Sql& sql, std::string_view id, PrintTo to);
/// What was called, in order, with arguments and outcome. Calls nothing.
int sessions_replay(const Sql& sql, std::string_view id, PrintTo to);
/// Makes the failed inputs of a session due again. Steps that are done stay done; uncertain ones are never
/// repeated.
int sessions_retry(const Sql& sql, std::string_view id, std::int64_t now_ns, PrintTo to);

/// Events that could not be handed over, and sources that rest.
int parked_list(const Sql& sql, PrintTo to);
/// By the number in the list, or "all".
int parked_retry(const Sql& sql, std::string_view which, std::int64_t now_ns, PrintTo to);
/// The event stays on record as dropped, so it does not come again.
int parked_drop(const Sql& sql, std::string_view which, PrintTo to);

/// Sources as they were written down last: state, health, cursor's size.
Json sources_json(const Sql& sql);

}  // namespace aoh::host
