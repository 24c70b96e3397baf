// `credential`: accounts, set up, changed, shown without their secrets, taken away.
#include <algorithm>

#include "cli/calls.hpp"
#include "cli/credential_draft.hpp"
#include "cli/verbs.hpp"

namespace aoh::host {
namespace {

Json on_record(App& app, const std::string& id) {
  if (auto record = app.credentials().get(id)) return std::move(*record);
  std::vector<std::string> ids;
  for (const Json& r : app.credentials().list()) ids.push_back(r["id"].str());
  const std::string near = nearest(id, ids);
  throw CliError("no credential \"" + id + "\" is on record" +
                 (near.empty() ? "" : "; did you mean \"" + near + "\"?") + "; `credential list` shows them");
}

std::string without(std::string text, const std::string& what, const std::string& instead) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += instead.size())
    text.replace(at, what.size(), instead);
  return text;
}

/// Tries the draft under a name of its own. Throws CliError, after the report, when a step failed.
void try_first(App& app, Draft& d, const Command& c, const Inputs& inputs, const Io& io) {
  const std::string id = d.record["id"].str();
  app.need_credential_type(d.type->type);
  const std::string name = app.credentials().stage(d.record, d.secrets);
  CallResult r;
  try {
    r = wait_for_call(app, io, [&](CallEngine::Done done) {
      return app.engine().start_credential_test(name, request_of(app, c, inputs, io), std::move(done));
    });
  } catch (...) {
    app.credentials().unstage(id, d.secrets);
    app.state().forget_attention(name);
    throw;
  }
  app.credentials().unstage(id, d.secrets);
  app.state().forget_attention(name);  // what was noted of the draft goes with it
  const std::string report = without(r.status == AOH_OK ? text_of(r.result) : r.message + "\n", name, id);
  if (r.is_error()) {
    io.err(report);
    throw CliError(
        "credential \"" + id +
        "\" is not stored, since it does not work; the lines above say at which step, why, and what "
        "to do (--no-test stores it all the same)");
  }
  if (!c.json) io.out(report);
}

int store(App& app, Draft& d, const Command& c, const Inputs& inputs, const Io& io) {
  check(app, d);
  if (c.test && !c.no_test) try_first(app, d, c, inputs, io);
  const std::string id = d.record["id"].str();
  const auto before = app.credentials().get(id);
  app.credentials().put(d.record, d.secrets);
  // A note on the old way of signing in; the module notes again what is still so.
  const auto way_in = [](const Json& r) { return r["authentication"].str() + r["oauth"].dump(); };
  if (before && way_in(*before) != way_in(d.record)) app.state().forget_attention(id);
  if (c.json) {
    io.json(on_record(app, id));
    return 0;
  }
  io.line("credential \"" + id + "\" is stored" +
          (d.secrets.empty() && !d.replaces && !d.type->secret_fields.empty()
               ? ", without a secret; add one with --secret-file FIELD=PATH"
               : ""));
  return 0;
}

int add(App& app, const Command& c, const Inputs& inputs, const Io& io) {
  Draft d = draft_of(app, c, inputs);
  // A record from a file is taken as it is.
  const Json proposal = inputs.document && !c.propose ? Json::object() : complete(app, d, c, inputs, io);
  if (c.propose) {
    io.json(proposal);
    return 0;
  }
  if (const std::string& doubt = proposal["confirm"].str(); !doubt.empty() && !c.yes)
    throw CliError(one_line(doubt) + "; say --yes to use it, or name the right ones");
  std::string missing;
  for (const Json& question : proposal["ask"].items())
    if (!question["secret"].boolean() && question["required"].boolean())
      missing += (missing.empty() ? "" : "; ") + question["title"].str() +
                 (question.has("hint") ? " (" + question["hint"].str() + ")" : "");
  if (!missing.empty())
    throw CliError("credential \"" + d.record["id"].str() + "\" lacks " + one_line(missing));
  if (!c.json)
    for (const Json& f : proposal["found"].items())
      io.line("found " + one_line(f["field"].str() + ": " + f["value"].str() + " (" + f["how"].str() + ")"));
  return store(app, d, c, inputs, io);
}

int edit(App& app, const Command& c, const Inputs& inputs, const Io& io) {
  const Json before = on_record(app, c.target);
  Draft d = draft_of(app, c, inputs, before);
  if (d.record["id"].str() != c.target || d.record["type"].str() != before["type"].str())
    throw CliError("a credential keeps its name and its type; add another one, and remove this");
  return store(app, d, c, inputs, io);
}

/// The secrets that a credential was given, as questions.
Json secrets_of(App& app, const Json& record) {
  const std::string id = record["id"].str();
  Json ask = Json::array();
  for (const std::string& field : secrets_from_people(app, record))
    ask.push(Json{{"field", field}, {"title", "New " + field}, {"secret", true}, {"empty", "as it is"}});
  if (ask.items().empty())
    throw CliError("credential \"" + id + "\" has no secret that could be replaced; credential edit " + id +
                   " --secret-file FIELD=PATH stores a first one");
  return ask;
}

int rotate(App& app, const Command& c, const Inputs& inputs, const Io& io) {
  const Json before = on_record(app, c.target);
  if (c.propose) {
    io.json(Json{{"ask", secrets_of(app, before)}});
    return 0;
  }
  if (inputs.secrets.empty())
    throw CliError("credential rotate wants the new secret: --secret-file FIELD=PATH, or --secret FIELD=-");
  Draft d = draft_of(app, c, inputs, before);
  return store(app, d, c, inputs, io);
}

/// What a module notes for people about the credential: into the record, or as lines.
void add_attention(App& app, Json& record, const Io* lines) {
  Json notes = Json::array();
  for (Json& note : app.state().attention(record["id"].str())) {
    if (lines)
      lines->line("  ! " + one_line(note["summary"].str()) +
                  (note["cure"].str().empty() ? "" : "; " + one_line(note["cure"].str())));
    notes.push(std::move(note));
  }
  record.set_if(notes.size() > 0, "attention", std::move(notes));
}

int list(App& app, const Command& c, const Io& io) {
  Json all = Json::array();
  for (Json& r : app.credentials().list()) {
    if (!c.json)
      io.line(r["id"].str() + "  " + r["type"].str() + (r.has("email") ? "  " + r["email"].str() : "") +
              (r.has("label") ? "  " + r["label"].str() : ""));
    add_attention(app, r, c.json ? nullptr : &io);
    all.push(std::move(r));
  }
  if (c.json) io.json(Json{{"credentials", std::move(all)}});
  return 0;
}

/// What `credential add --file` takes; which secrets it wants beside stands in "secrets".
Json exported(App& app, Json record) {
  record.erase("version");
  const auto fields = secrets_from_people(app, record);
  if (fields.empty()) return Json{{"record", std::move(record)}};
  Json names = Json::array();
  for (const auto& f : fields) names.push(f);
  return Json{{"record", std::move(record)}, {"secrets", std::move(names)}};
}

int export_verb(App& app, const Command& c, const Io& io) {
  if (!c.target.empty()) {
    Json record = on_record(app, c.target);
    record.erase("version");
    io.json(record);
    return 0;
  }
  Json all = Json::array();
  for (Json& r : app.credentials().list()) all.push(exported(app, std::move(r)));
  io.json(Json{{"credentials", std::move(all)}});
  return 0;
}

int audit(App& app, const Command& c, const Io& io) {
  Json entries = app.vault().audit_entries(c.limit, c.target);
  if (c.json) {
    io.json(Json{{"audit", std::move(entries)}});
    return 0;
  }
  for (const Json& e : entries.items())
    io.line(utc(e["when_unix_ns"].integer() / 1'000'000'000) + "  " + e["credential_id"].str() + "  " +
            e["field"].str() + "  " + e["outcome"].str() + "  to " + e["module"].str() + " for " +
            one_line(e["bearer"].str()));
  return 0;
}

}  // namespace

int credential_verb(App& app, const Command& c, const Inputs& inputs, const Io& io) {
  if (c.verb == "credential add") return add(app, c, inputs, io);
  if (c.verb == "credential list") return list(app, c, io);
  if (c.verb == "credential export") return export_verb(app, c, io);
  if (c.verb == "credential audit") return audit(app, c, io);
  if (c.verb == "credential edit") return edit(app, c, inputs, io);
  if (c.verb == "credential rotate") return rotate(app, c, inputs, io);
  Json record = on_record(app, c.target);
  if (c.verb == "credential show") {
    add_attention(app, record, nullptr);
    io.json(record);
    return 0;
  }
  if (c.verb == "credential revoke") {
    const bool was = app.credentials().forget_secrets(c.target);
    if (c.json)
      io.json(Json{{"revoked", c.target}, {"had_secrets", was}});
    else
      io.line("credential \"" + c.target +
              "\" has no secrets any more here; take its access back at the provider, too");
    return 0;
  }
  app.credentials().remove(c.target);
  app.state().forget_attention(c.target);
  if (c.json)
    io.json(Json{{"removed", c.target}});
  else
    io.line("credential \"" + c.target + "\" and its secrets are removed");
  return 0;
}

}  // namespace aoh::host
