#include "triggers/blueprint_store.hpp"

#include <algorithm>
#include <map>

#include "triggers/cron_source.hpp"
#include "triggers/supervisor.hpp"

namespace aoh::host {
namespace {

DocumentError too_many(const Blueprint& b) {
  return DocumentError(
      b.id + ": the source " + source_key_text(b) + " has " + std::to_string(kMaxBlueprintsOfSource) +
      " blueprints already, and takes no more; remove one (host-stub blueprint remove), or let "
      "one blueprint match what several do");
}

/// A schedule that is new, or another one, counts from now on, whether a host runs or not: what comes before
/// one does is missed.
void begin_schedule(const Sql& sql, const Blueprint& b, std::int64_t now_ns) {
  const std::string key = source_key_text(b);
  std::string stored;
  if (sql.query("SELECT 1 FROM blueprints WHERE id=?", b.id).next()) {
    Rows rows = sql.query("SELECT cursor FROM sources WHERE key=?", key);
    if (rows.next()) stored = rows.text(0);
  }
  sql.run(
      "INSERT INTO sources(key, source, cursor, updated_ns) VALUES(?,?,?,?) ON CONFLICT(key) DO UPDATE SET "
      "cursor=excluded.cursor",
      key, b.source, CronCursor::of(stored, b.schedule, now_ns).text(), now_ns);
}

}  // namespace

void store_blueprint(const Sql& sql, std::string_view id, std::string_view text, std::int64_t now_ns) {
  sql.write("blueprint.add", [&] {
    sql.run(
        "INSERT INTO blueprints(id, text, added_ns) VALUES(?,?,?) ON CONFLICT(id) DO UPDATE SET "
        "text=excluded.text",
        id, text, now_ns);
  });
}

bool remove_blueprint(const Sql& sql, std::string_view id) {
  return sql.write("blueprint.remove", [&] { return sql.run("DELETE FROM blueprints WHERE id=?", id) > 0; });
}

std::vector<StoredBlueprint> stored_blueprints(const Sql& sql) {
  std::vector<StoredBlueprint> out;
  Rows rows = sql.query("SELECT id, text, added_ns FROM blueprints ORDER BY id");
  while (rows.next()) out.push_back({rows.text(0), rows.text(1), rows.integer(2)});
  return out;
}

void add_blueprint(const Sql& sql, const Catalog& catalog, const Blueprint& blueprint, std::string_view text,
                   std::int64_t now_ns) {
  sql.write("blueprint.add", [&] {
    const auto loaded = load_blueprints(sql, catalog);
    const auto others = std::count_if(loaded.good.begin(), loaded.good.end(), [&](const auto& b) {
      return b->id != blueprint.id && source_key_text(*b) == source_key_text(blueprint);
    });
    if (static_cast<std::size_t>(others) >= kMaxBlueprintsOfSource) throw too_many(blueprint);
    if (blueprint.source == kCronSource) begin_schedule(sql, blueprint, now_ns);
    store_blueprint(sql, blueprint.id, text, now_ns);
  });
}

LoadedBlueprints load_blueprints(const Sql& sql, const Catalog& catalog) {
  LoadedBlueprints out;
  auto all = stored_blueprints(sql);
  std::stable_sort(all.begin(), all.end(), [](const StoredBlueprint& a, const StoredBlueprint& b) {
    return a.added_ns < b.added_ns;
  });
  std::map<std::string, std::size_t> of_source;
  for (const auto& stored : all) {
    try {
      Blueprint b = parse_blueprint(stored.text, stored.id, stored.id, catalog);
      if (++of_source[source_key_text(b)] > kMaxBlueprintsOfSource) throw too_many(b);
      out.good.push_back(std::make_shared<const Blueprint>(std::move(b)));
    } catch (const DocumentError& e) {
      out.errors.emplace_back(e.what());
    }
  }
  return out;
}

}  // namespace aoh::host
