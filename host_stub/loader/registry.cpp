#include "loader/registry.hpp"

#include <algorithm>
#include <set>

namespace aoh::host {
namespace fs = std::filesystem;

Registry::Registry(Options options) : options_(std::move(options)) {}

Registry::~Registry() {
  for (Slot& s : slots_)
    if (s.module && s.module->instance()) (void)s.module.release();
}

std::vector<Registry::Found> Registry::find() const {
  std::vector<Found> out;
  std::set<std::string> ids;
  for (const fs::path& folder : options_.folders) {
    std::vector<fs::path> files;
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(folder, ec))
      if (entry.path().extension() == ".so") files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
      Found f;
      f.library = fs::weakly_canonical(file, ec);
      try {
        f.manifest = gate::manifest(f.library);
        if (!ids.insert(f.manifest->id).second)
          f.error =
              f.library.string() + ": a module \"" + f.manifest->id + "\" was found in an earlier folder";
        gate::trust(f.library, *f.manifest, options_.gate);
        f.trusted = true;
        f.trust_note = options_.gate.trust && options_.gate.trust->find(f.manifest->id) ? "on record"
                                                                                        : "development build";
      } catch (const GateError& e) {
        (e.step == GateStep::trust ? f.trust_note : f.error) = e.what();
      }
      out.push_back(std::move(f));
    }
  }
  return out;
}

fs::path Registry::locate(const std::string& id_or_path) const {
  std::error_code ec;
  if (id_or_path.find('/') != std::string::npos || id_or_path.ends_with(".so")) {
    const fs::path file = fs::weakly_canonical(id_or_path, ec);
    if (fs::is_regular_file(file, ec)) return file;
    throw std::runtime_error(id_or_path +
                             ": no such module; name a .so file or the id of a module in the module folders");
  }
  std::vector<std::string> ids;
  std::string searched;
  for (const fs::path& folder : options_.folders) {
    const fs::path file = folder / (id_or_path + ".so");
    if (fs::is_regular_file(file, ec)) return fs::weakly_canonical(file, ec);
    searched += (searched.empty() ? "" : ", ") + folder.string();
    for (const auto& entry : fs::directory_iterator(folder, ec))
      if (entry.path().extension() == ".so") ids.push_back(entry.path().stem().string());
  }
  const std::string near = nearest(id_or_path, ids);
  throw std::runtime_error(
      "no module \"" + id_or_path + "\" in " + (searched.empty() ? "any folder" : searched) +
      (near.empty() ? "; name another folder with --modules" : "; did you mean \"" + near + "\"?"));
}

std::vector<Registry::Failure> Registry::open_all(const InstanceMaker& maker) {
  std::vector<Failure> failures;
  for (const Found& f : find()) {
    if (!f.error.empty()) {
      failures.push_back({f.library, f.error});
      continue;
    }
    try {
      open(f.library, maker);
    } catch (const std::exception& e) {
      failures.push_back({f.library, e.what()});
    }
  }
  return failures;
}

Module& Registry::open(const fs::path& library, const InstanceMaker& maker) {
  std::unique_ptr<Module> m = pass_gate(library, options_.gate);
  const Manifest& manifest = m->manifest();
  const auto clash = [&](const std::string& what, const Module* other) {
    throw std::runtime_error(manifest.id + ": " + what + " is there already, from the module " +
                             other->manifest().id + "; remove one of the two from the module folders");
  };
  if (const Module* other = module(manifest.id)) clash("the module id \"" + manifest.id + "\"", other);
  for (const auto& t : manifest.tools)
    if (const auto other = tool(t.name)) clash("the tool \"" + t.name + "\"", other.module);
  for (const auto& s : manifest.trigger_sources)
    if (const auto other = source(s.source)) clash("the trigger source \"" + s.source + "\"", other.module);
  for (const auto& a : manifest.finish_actions)
    if (const auto other = finish_action(a.name)) clash("the finish action \"" + a.name + "\"", other.module);
  for (const auto& c : manifest.credential_types)
    if (const auto other = credential_type(c.type))
      clash("the credential type \"" + c.type + "\"", other.module);
  const Json config = maker.config ? maker.config(manifest) : Json::object();
  const auto problems = manifest.config.validate(config);
  if (!problems.empty())
    throw std::runtime_error(manifest.id + ": its configuration is not valid: " + host::describe(problems));
  const aoh_host* host = maker.make_host(*m);
  const Outcome made = m->create(host, config.dump());
  if (!made) {
    if (maker.drop_host) maker.drop_host(*m);
    throw std::runtime_error(manifest.id + ": the module could not be created: " + made.message);
  }
  slots_.push_back({std::move(m), maker});
  return *slots_.back().module;
}

std::vector<Module*> Registry::modules() const {
  std::vector<Module*> out;
  for (const Slot& s : slots_) out.push_back(s.module.get());
  return out;
}
Module* Registry::module(std::string_view id) const {
  for (const Slot& s : slots_)
    if (s.module->manifest().id == id) return s.module.get();
  return nullptr;
}
Registry::ToolRef Registry::tool(std::string_view name) const {
  for (const Slot& s : slots_)
    if (const ToolSpec* t = s.module->manifest().tool(name)) return {s.module.get(), t};
  return {};
}
Registry::SourceRef Registry::source(std::string_view name) const {
  for (const Slot& s : slots_)
    if (const TriggerSource* t = s.module->manifest().source(name)) return {s.module.get(), t};
  return {};
}
Registry::FinishRef Registry::finish_action(std::string_view name) const {
  for (const Slot& s : slots_)
    if (const FinishAction* a = s.module->manifest().finish_action(name))
      return {s.module.get(), a, s.module->manifest().tool(a->tool)};
  return {};
}
Registry::CredentialTypeRef Registry::credential_type(std::string_view type) const {
  for (const Slot& s : slots_)
    if (const CredentialType* c = s.module->manifest().credential_type(type)) return {s.module.get(), c};
  return {};
}
std::vector<Registry::ToolRef> Registry::tools() const {
  std::vector<ToolRef> out;
  for (const Slot& s : slots_)
    for (const ToolSpec& t : s.module->manifest().tools) out.push_back({s.module.get(), &t});
  std::sort(out.begin(), out.end(),
            [](const ToolRef& a, const ToolRef& b) { return a.spec->name < b.spec->name; });
  return out;
}
std::vector<std::string> Registry::tool_names() const {
  std::vector<std::string> out;
  for (const ToolRef& t : tools()) out.push_back(t.spec->name);
  return out;
}
std::vector<std::string> Registry::source_names() const {
  std::vector<std::string> out;
  for (const Slot& s : slots_)
    for (const auto& t : s.module->manifest().trigger_sources) out.push_back(t.source);
  return out;
}
std::vector<std::string> Registry::finish_action_names() const {
  std::vector<std::string> out;
  for (const Slot& s : slots_)
    for (const auto& t : s.module->manifest().finish_actions) out.push_back(t.name);
  return out;
}

void Registry::quiesce(std::chrono::steady_clock::time_point deadline) {
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(deadline.time_since_epoch()).count();
  for (auto s = slots_.rbegin(); s != slots_.rend(); ++s) {
    s->module->close();
    s->module->quiesce(ns);
  }
}

std::vector<std::string> Registry::destroy(std::chrono::steady_clock::time_point deadline) {
  std::vector<std::string> left;
  for (auto s = slots_.rbegin(); s != slots_.rend(); ++s) {
    if (!s->module->destroy(deadline))
      left.push_back(s->module->manifest().id + ": " + std::to_string(s->module->uses()) +
                     " calls or triggers did not end in time; the module is left as it is");
    else if (s->maker.drop_host)
      s->maker.drop_host(*s->module);
  }
  return left;
}

}  // namespace aoh::host
