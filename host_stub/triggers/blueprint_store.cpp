#include "triggers/blueprint_store.hpp"

namespace aoh::host {

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

LoadedBlueprints load_blueprints(const Sql& sql, const Catalog& catalog) {
  LoadedBlueprints out;
  for (const auto& stored : stored_blueprints(sql)) {
    try {
      out.good.push_back(
          std::make_shared<const Blueprint>(parse_blueprint(stored.text, stored.id, stored.id, catalog)));
    } catch (const DocumentError& e) {
      out.errors.emplace_back(e.what());
    }
  }
  return out;
}

}  // namespace aoh::host
