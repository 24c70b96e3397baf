#include "cli/app.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <set>

#include "aoh/services/extract.h"
#include "aoh/services/log.h"
#include "calls/extraction.hpp"
#include "cli/io.hpp"
#include "services/bearers.hpp"
#include "services/blobs.hpp"
#include "services/host_services.hpp"
#include "services/vault.hpp"
#include "sessions/session_store.hpp"

namespace aoh::host {
namespace fs = std::filesystem;
namespace {
std::atomic<bool> g_left_behind{false};

/// <executable>/../agent-guard
fs::path agent_guard() {
  std::error_code ec;
  const fs::path exe = fs::read_symlink("/proc/self/exe", ec);
  return ec ? fs::path() : exe.parent_path() / "agent-guard";
}
}  // namespace

struct App::Parts {
  Parts(const Command& c, Home h, std::function<void(std::string_view)> n)
      : options(c), home(std::move(h)), note(std::move(n)) {}

  const Command options;
  const Home home;
  const std::function<void(std::string_view)> note;

  // In the order of dependence: what comes later uses what comes before.
  Redactor redactor;
  Metrics metrics{redactor};
  std::unique_ptr<Log> log;
  std::unique_ptr<Db> db;
  std::unique_ptr<Clock> clock;
  VirtualClock* virtual_clock = nullptr;
  std::unique_ptr<Vault> vault;
  std::unique_ptr<Credentials> credentials;
  std::unique_ptr<State> state;
  std::unique_ptr<Blobs> blobs;
  std::mutex knowledge_m;  // opened when somebody asks, perhaps several at once
  std::unique_ptr<Db> knowledge_db;
  std::unique_ptr<Knowledge> knowledge;
  Bearers bearers;
  Services services;
  std::unique_ptr<TrustTable> trust;
  mutable std::mutex trust_m;  // the table, also where the registry reads it
  std::optional<fs::path> development;
  std::map<const Module*, std::unique_ptr<InstanceHost>> hosts;
  std::unique_ptr<Registry> registry;
  std::vector<NotLoaded> not_loaded;
  bool all_open = false, noted = false;
  std::mutex leases_m;
  std::map<std::string, Bearers::Lease, std::less<>> leases;  // of calls and triggers
  std::unique_ptr<CallEngine> engine;
  std::unique_ptr<Extraction> extraction;
  std::unique_ptr<Automation> automation;
  bool shut = false, keep_forever = false;

  Log& need_log();
  Db& need_db();
  Clock& need_clock();
  Vault& need_vault();
  Credentials& need_credentials();
  State& need_state();
  TrustTable& need_trust();
  Registry& need_registry();
  CallEngine& need_engine();
  Knowledge& need_knowledge();
  void open_extractors();
  Registry::InstanceMaker maker();
  Json config_of(const Manifest& manifest) const;
  void open(const Registry::Found& found);
  CallPorts call_ports();
  void admit(std::string_view id, Bearer bearer);
  void dismiss(std::string_view id);
};

Log& App::Parts::need_log() {
  if (!log) {
    log = std::make_unique<Log>(redactor);
    log->to_file(home.log());
    if (options.verb == "run") log->to_stderr(AOH_LOG_WARN);
    if (!options.trace.empty()) log->trace_to(options.trace);
  }
  return *log;
}

Db& App::Parts::need_db() {
  if (!db) {
    db = std::make_unique<Db>(home.db());
    create_tables(Sql(*db));
  }
  return *db;
}

Clock& App::Parts::need_clock() {
  if (!clock) {
    if (options.virtual_clock) {
      auto made = std::make_unique<VirtualClock>(options.clock_start_ns.value_or(SystemClock().wall_ns()));
      virtual_clock = made.get();
      clock = std::move(made);
    } else {
      clock = std::make_unique<SystemClock>();
    }
  }
  return *clock;
}

Vault& App::Parts::need_vault() {
  if (!vault) vault = std::make_unique<Vault>(need_db(), home.vault_key(), need_clock(), redactor);
  return *vault;
}

Credentials& App::Parts::need_credentials() {
  if (!credentials) credentials = std::make_unique<Credentials>(need_db(), need_vault());
  return *credentials;
}

State& App::Parts::need_state() {
  if (!state) state = std::make_unique<State>(need_db());
  return *state;
}

TrustTable& App::Parts::need_trust() {
  if (!trust) trust = std::make_unique<TrustTable>(home.dir() / "trusted.json");
  return *trust;
}

Registry& App::Parts::need_registry() {
  if (!registry) {
    if (!options.no_development) development = development_modules();
    Registry::Options o;
    o.folders = options.modules;
    o.folders.push_back(default_modules());
    o.gate.trust = &need_trust();
    o.gate.development = development;
    o.gate.has_service = [](std::string_view id) { return known_services().contains(id); };
    registry = std::make_unique<Registry>(std::move(o));
  }
  return *registry;
}

Json App::Parts::config_of(const Manifest& manifest) const {
  const fs::path file = home.dir() / "config" / (manifest.id + ".json");
  Json config = Json::object();
  if (std::error_code ec; fs::exists(file, ec)) {
    try {
      config = Json::parse(read_file(file, 1u << 20));
    } catch (const JsonError& e) {
      throw CliError(file.string() + " is not JSON: " + e.what());
    }
  }
  if (!options.trace.empty() && config.is_object() && manifest.config.json()["properties"].has("trace"))
    config.set("trace", true);
  return config;
}

Registry::InstanceMaker App::Parts::maker() {
  services.log = &need_log();
  services.clock = &need_clock();
  services.credentials = &need_credentials();
  services.vault = &need_vault();
  services.bearers = &bearers;
  services.state = &need_state();
  if (!blobs) blobs = std::make_unique<Blobs>(need_db(), home.blobs());
  services.blobs = blobs.get();
  services.metrics = &metrics;
  services.knowledge = [this]() -> Knowledge& { return need_knowledge(); };
  if (!extraction)
    extraction = std::make_unique<Extraction>([this] { return registry->modules(); }, need_engine(), *blobs,
                                              bearers, need_clock());
  services.extract = [this](const ExtractRequest& r) { return extraction->extract(r); };
  services.extract_types = [this] { return extraction->types(); };
  services.session_info = [this](const std::string& session) -> std::optional<Json> {
    Json info = session_json(Sql(*db), session);
    if (info.is_null()) return std::nullopt;
    return info;
  };
  services.session_append = [this](const std::string& session, const Json& entry) {
    const Sql sql(*db);
    return sql.write("append_note", [&] {
      if (session_json(sql, session).is_null()) return false;
      append_note(sql, session, entry, clock->wall_ns());
      return true;
    });
  };

  Registry::InstanceMaker m;
  m.make_host = [this](Module& module) {
    const Manifest& manifest = module.manifest();
    std::set<std::string, std::less<>> granted;
    CredentialTypes types;
    for (const auto& id : known_services()) {
      const std::string_view permission = permission_of_service(id);
      if (manifest.wants_service(id) && (permission.empty() || manifest.has_permission(permission)))
        granted.insert(id);
    }
    for (const auto& t : manifest.credential_types) types.emplace(t.type, t.references);
    module.on_breach = [this](const Module& who, std::string_view what) {
      log->write(AOH_LOG_BREACH, who.manifest().id, what);
    };
    auto& host = hosts[&module];
    host = std::make_unique<InstanceHost>(services, manifest.id, std::move(granted), std::move(types));
    return host->c();
  };
  m.config = [this](const Manifest& manifest) { return config_of(manifest); };
  m.drop_host = [this](Module& module) {
    if (const auto it = hosts.find(&module); it != hosts.end()) {
      it->second->revoke();
      hosts.erase(it);
    }
  };
  return m;
}

void App::Parts::open(const Registry::Found& found) {
  if (!found.error.empty()) throw CliError(found.error);
  if (development && !noted && found.library.parent_path() == fs::weakly_canonical(*development)) {
    noted = true;
    note("development build: modules in " + development->string() + " are trusted without a record");
  }
  need_registry().open(found.library, maker());
}

void App::Parts::admit(std::string_view id, Bearer bearer) {
  auto lease = bearers.admit(std::string(id), std::move(bearer));
  const std::lock_guard lock(leases_m);
  leases.insert_or_assign(std::string(id), std::move(lease));
}

void App::Parts::dismiss(std::string_view id) {
  Bearers::Lease ended;
  const std::lock_guard lock(leases_m);
  if (const auto it = leases.find(id); it != leases.end()) {
    ended = std::move(it->second);
    leases.erase(it);
  }
}

CallPorts App::Parts::call_ports() {
  CallPorts ports = CallPorts::of(need_registry());
  need_credentials();
  ports.type_of_credential = [this](std::string_view id) -> std::optional<std::string> {
    const auto record = credentials->get(id);
    if (!record) return std::nullopt;
    return (*record)["type"].str();
  };
  ports.credential_ids = [this] {
    std::vector<std::string> ids;
    for (const Json& r : credentials->list()) ids.push_back(r["id"].str());
    return ids;
  };
  ports.opened = [this](std::string_view call_id, const Module& module, std::string_view session,
                        std::string_view credential, bool from_operator) {
    Bearer b;
    b.module = module.manifest().id;
    b.session_id = std::string(session);
    b.any_blob = from_operator;
    if (!credential.empty()) b.credentials.emplace_back(credential);
    admit(call_id, std::move(b));
  };
  ports.closed = [this](std::string_view call_id) { dismiss(call_id); };
  ports.log = [this](std::int32_t level, std::string_view message, const Json& fields) {
    log->write(level, "host", message, fields);
  };
  return ports;
}

CallEngine& App::Parts::need_engine() {
  need_log();
  if (!engine) engine = std::make_unique<CallEngine>(call_ports(), need_clock());
  return *engine;
}

Knowledge& App::Parts::need_knowledge() {
  const std::lock_guard lock(knowledge_m);
  if (!knowledge) {
    if (!knowledge_db) knowledge_db = std::make_unique<Db>(home.knowledge());
    knowledge = std::make_unique<Knowledge>(*knowledge_db, *clock);
  }
  return *knowledge;
}

/// Whoever reads files for others, beside the one module that a call is for.
void App::Parts::open_extractors() {
  for (const auto& f : need_registry().find()) {
    if (!f.manifest || f.manifest->extractor.mime_types.empty() || need_registry().module(f.manifest->id))
      continue;
    try {
      open(f);
    } catch (const std::exception& e) {
      need_log().write(AOH_LOG_WARN, "host", std::string("not loaded: ") + e.what());
    }
  }
}

App::App(const Command& options, Home home, std::function<void(std::string_view)> note)
    : p_(std::make_unique<Parts>(options, std::move(home), std::move(note))) {}

App::~App() {
  shut_down(std::chrono::seconds(5));
  if (p_->keep_forever) {
    static auto* const left = new std::vector<Parts*>();
    left->push_back(p_.release());
    g_left_behind = true;
  }
}

bool App::left_behind() { return g_left_behind; }

const Home& App::home() const { return p_->home; }
Db& App::db() { return p_->need_db(); }
Log& App::log() { return p_->need_log(); }
Clock& App::clock() { return p_->need_clock(); }
VirtualClock* App::virtual_clock() { return p_->virtual_clock; }
Credentials& App::credentials() { return p_->need_credentials(); }
Vault& App::vault() { return p_->need_vault(); }
State& App::state() { return p_->need_state(); }
TrustTable::Entry App::trust(const Manifest& manifest, const fs::path& library) {
  p_->need_registry();
  const std::lock_guard lock(p_->trust_m);
  return p_->need_trust().trust(manifest.id, library, manifest_of(library));
}
Registry& App::registry() { return p_->need_registry(); }
CallEngine& App::engine() { return p_->need_engine(); }
Knowledge& App::knowledge() {
  p_->need_clock();
  return p_->need_knowledge();
}
Metrics& App::metrics() { return p_->metrics; }
const std::vector<App::NotLoaded>& App::not_loaded() const { return p_->not_loaded; }

std::vector<Registry::Found> App::find() const {
  std::vector<Registry::Found> out;
  std::set<std::string> ids;
  Registry& registry = p_->need_registry();
  const std::lock_guard lock(p_->trust_m);
  for (auto& f : registry.find())
    if (!f.manifest || ids.insert(f.manifest->id).second) out.push_back(std::move(f));
  return out;
}

void App::open_modules() {
  if (std::exchange(p_->all_open, true)) return;
  for (auto& f : find()) {
    if (f.manifest && p_->need_registry().module(f.manifest->id)) continue;
    try {
      p_->open(f);
    } catch (const std::exception& e) {
      log().write(AOH_LOG_WARN, "host", std::string("not loaded: ") + e.what());
      p_->not_loaded.push_back({std::move(f), e.what()});
    }
  }
}

void App::need_tool(std::string_view tool) {
  if (p_->need_registry().tool(tool)) return;
  if (p_->all_open) {
    for (const auto& n : p_->not_loaded)
      if (n.found.manifest && n.found.manifest->tool(tool)) throw CliError(n.why);
    return;  // the engine says that there is none, and which is near
  }
  std::vector<std::string> names;
  for (const auto& f : find()) {
    if (!f.manifest) continue;
    if (const ToolSpec* spec = f.manifest->tool(tool)) {
      p_->open(f);
      if (f.manifest->wants_service(AOH_EXTRACT_ID) &&
          (spec->permissions.empty() || std::find(spec->permissions.begin(), spec->permissions.end(),
                                                  "extract") != spec->permissions.end()))
        p_->open_extractors();
      return;
    }
    for (const auto& t : f.manifest->tools) names.push_back(t.name);
  }
  const std::string near = nearest(std::string(tool), names);
  throw CliError("there is no tool \"" + std::string(tool) + "\"" +
                 (near.empty() ? "" : "; did you mean \"" + near + "\"?") + "; `tools list` shows all");
}

void App::need_credential_type(std::string_view type) {
  if (p_->need_registry().credential_type(type)) return;
  if (p_->all_open) {
    for (const auto& n : p_->not_loaded)
      if (n.found.manifest && n.found.manifest->credential_type(type)) throw CliError(n.why);
    return;
  }
  for (const auto& f : find())
    if (f.manifest && f.manifest->credential_type(type)) return p_->open(f);
}

Catalog App::catalog() {
  if (p_->all_open) return catalog_of(p_->need_registry());
  const auto found = find();
  std::vector<const Manifest*> manifests;
  for (const auto& f : found)
    if (f.manifest) manifests.push_back(&*f.manifest);
  return Catalog::of(manifests);
}

void App::start_automation() {
  Parts& p = *p_;
  AutomationParts parts;
  parts.db = &p.need_db();
  parts.clock = &p.need_clock();
  parts.registry = &p.need_registry();
  parts.engine = &p.need_engine();
  parts.log = [log = &p.need_log()](int level, std::string_view message) {
    log->write(level, "host", message);
  };
  parts.trigger_opened = [&p](const std::string& id, const std::string& module,
                              const std::string& credential) {
    Bearer b;
    b.module = module;
    if (!credential.empty()) b.credentials.push_back(credential);
    p.admit(id, std::move(b));
  };
  parts.trigger_closed = [&p](const std::string& id) { p.dismiss(id); };
  AutomationOptions options;
  options.agent_folders = p.options.agents;
  options.agent_folders.push_back(p.home.agents());
  options.rules_file = p.home.rules();
  options.agent_guard = agent_guard();
  p.automation = std::make_unique<Automation>(std::move(parts), std::move(options));
  p.automation->start();
  for (Module* module : p.registry->modules()) module->background_start();
}

Automation* App::automation() { return p_->automation.get(); }

std::vector<std::string> App::shut_down(std::chrono::milliseconds limit) {
  std::vector<std::string> left;
  Parts& p = *p_;
  if (std::exchange(p.shut, true)) return left;
  const auto deadline = std::chrono::steady_clock::now() + limit;
  if (p.automation) p.automation->begin_stop();
  if (p.registry) p.registry->quiesce(deadline);
  if (p.engine && !p.engine->drain(deadline)) {
    left.push_back(std::to_string(p.engine->open_calls()) + " calls did not end in time");
    p.keep_forever = true;
  }
  if (p.automation && !p.automation->stop(deadline)) {
    left.push_back("not every trigger source ended in time");
    p.keep_forever = true;
  }
  if (p.registry)
    for (auto& line : p.registry->destroy(deadline)) {
      left.push_back(std::move(line));
      p.keep_forever = true;
    }
  if (p.clock) p.clock->stop();
  for (const auto& line : left) log().warn(line);
  return left;
}

}  // namespace aoh::host
