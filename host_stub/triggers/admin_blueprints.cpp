// What the command line does with blueprints.
#include <ostream>

#include "sessions/agent.hpp"
#include "triggers/admin.hpp"
#include "triggers/blueprint_store.hpp"
#include "triggers/cron_blueprint.hpp"
#include "triggers/cron_source.hpp"

namespace aoh::host {
namespace {

Json blueprint_json(const Blueprint& b) {
  Json out{{"id", b.id},
           {"source", b.source},
           {"source_key", b.source_key},
           {"agent_id", b.agent_id},
           {"session_template", to_string(b.session_template)}};
  if (b.source == kCronSource) return out.set("schedule", b.schedule);
  return out.set("start_from", b.start_from);
}

}  // namespace

int blueprint_check(const std::filesystem::path& file, const Catalog& catalog, std::int64_t now_ns,
                    PrintTo to) {
  const auto b = parse_blueprint(read_document(file), blueprint_id(file.string()), file.string(), catalog);
  const auto next = next_times(b, file.string(), now_ns);
  if (to.json) {
    Json json = blueprint_json(b), times = Json::array();
    for (const auto& time : next) times.push(time);
    json.set_if(b.source == kCronSource, "next", std::move(times));
    return print_json(to, json);
  }
  to.out << file.string() << ": ok; " << b.source << " " << b.source_key.dump() << " starts " << b.agent_id
         << " " << to_string(b.session_template) << "\n";
  for (const auto& time : next) to.out << "  next: " << time << "\n";
  return 0;
}

int blueprint_add(const Sql& sql, const std::filesystem::path& file, const Catalog& catalog,
                  std::int64_t now_ns, PrintTo to) {
  const auto text = read_document(file);
  const auto b = parse_blueprint(text, blueprint_id(file.string()), file.string(), catalog);
  next_times(b, file.string(), now_ns);
  add_blueprint(sql, catalog, b, text, now_ns);
  if (to.json) return print_json(to, blueprint_json(b));
  to.out << "blueprint " << b.id << " is in place; host-stub run watches for it\n";
  return 0;
}

int blueprint_list(const Sql& sql, const Catalog& catalog, PrintTo to) {
  Json all = Json::array();
  for (const auto& stored : stored_blueprints(sql)) {
    Json entry;
    try {
      entry = blueprint_json(parse_blueprint(stored.text, stored.id, stored.id, catalog));
    } catch (const DocumentError& e) {
      entry = Json{{"id", stored.id}, {"error", e.what()}};
    }
    entry.set("added", local_text({}, stored.added_ns));
    all.push(std::move(entry));
  }
  if (to.json) return print_json(to, Json{{"blueprints", std::move(all)}});
  if (all.empty()) to.out << "no blueprints; add one: host-stub blueprint add FILE\n";
  for (const auto& entry : all.items()) {
    to.out << entry["id"].str() << "  ";
    if (entry.has("error")) {
      to.out << "broken: " << entry["error"].str() << "\n";
    } else {
      to.out << entry["source"].str() << " " << entry["source_key"].dump() << " -> "
             << entry["agent_id"].str() << " " << entry["session_template"].str() << "\n";
    }
  }
  return 0;
}

int blueprint_remove(const Sql& sql, std::string_view id, PrintTo to) {
  if (!remove_blueprint(sql, id)) {
    throw std::runtime_error("there is no blueprint \"" + std::string(utf8_prefix(id, 80)) +
                             "\"; blueprint list shows them");
  }
  if (to.json) return print_json(to, Json{{"removed", id}});
  to.out << "blueprint " << id << " is removed; events of it that wait will be parked\n";
  return 0;
}

}  // namespace aoh::host
