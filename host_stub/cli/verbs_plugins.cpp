#include "cli/verbs.hpp"

namespace aoh::host {
namespace {

int list(App& app, const Command& c, const Io& io) {
  Json plugins = Json::array();
  for (const auto& f : app.find()) {
    const std::string id = f.manifest ? f.manifest->id : f.library.stem().string();
    if (c.json) {
      Json p{{"id", id}, {"library", f.library.string()}, {"trusted", f.trusted}};
      if (f.manifest) p.set("version", f.manifest->version).set("title", f.manifest->title);
      p.set_if(!f.trust_note.empty(), "trust", f.trust_note).set_if(!f.error.empty(), "error", f.error);
      plugins.push(std::move(p));
    } else {
      io.line(id + (f.manifest ? " " + f.manifest->version : "") + "  " + f.library.string() + "  " +
              (!f.error.empty() ? f.error : (f.trusted ? "trusted: " : "") + f.trust_note));
    }
  }
  if (c.json) io.json(Json{{"plugins", std::move(plugins)}});
  return 0;
}

int trust(App& app, const Command& c, const Io& io) {
  const auto library = app.registry().locate(c.target);
  const Manifest manifest = gate::manifest(library);
  gate::exports(library);
  gate::probe(library, std::chrono::seconds(5));
  const auto entry = app.trust(manifest, library);
  if (c.json)
    io.json(Json{{"id", entry.id},
                 {"library", entry.library},
                 {"library_sha256", entry.library_sha256},
                 {"manifest_sha256", entry.manifest_sha256}});
  else
    io.line(entry.id + " " + manifest.version + " is trusted: " + entry.library + ", SHA-256 " +
            entry.library_sha256);
  return 0;
}

}  // namespace

int plugins_verb(App& app, const Command& c, const Io& io) {
  return c.verb == "plugins list" ? list(app, c, io) : trust(app, c, io);
}

}  // namespace aoh::host
