// The blueprints of a home: copies of files, by id.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "aoh/module.h"
#include "sessions/sql.hpp"
#include "triggers/blueprint.hpp"

namespace aoh::host {

/// Replaces one of the same id; the cursor of its source stays.
void store_blueprint(const Sql& sql, std::string_view id, std::string_view text, std::int64_t now_ns);
/// False when there is none of that id.
bool remove_blueprint(const Sql& sql, std::string_view id);

struct StoredBlueprint {
  std::string id, text;
  std::int64_t added_ns = 0;
};
std::vector<StoredBlueprint> stored_blueprints(const Sql& sql);

/// A source takes no more, so that the events of one message fit into one hand-over: AOH_MAX_EVENTS.
constexpr std::size_t kMaxBlueprintsOfSource = AOH_MAX_EVENTS;

/// All stored blueprints that are valid with these modules; what is wrong with the others, one string each.
/// Of a source's blueprints the first kMaxBlueprintsOfSource count, by the time they were added, then by id.
struct LoadedBlueprints {
  std::vector<std::shared_ptr<const Blueprint>> good;
  std::vector<std::string> errors;
};
/// Stores it, unless its source has kMaxBlueprintsOfSource others that are valid: throws DocumentError.
void add_blueprint(const Sql& sql, const Catalog& catalog, const Blueprint& blueprint, std::string_view text,
                   std::int64_t now_ns);
LoadedBlueprints load_blueprints(const Sql& sql, const Catalog& catalog);

}  // namespace aoh::host
