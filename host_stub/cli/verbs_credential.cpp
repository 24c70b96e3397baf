#include <algorithm>
#include <charconv>

#include "cli/verbs.hpp"
#include "sessions/session_store.hpp"

namespace aoh::host {
namespace {

/// "host", "host:993", "[::1]:993" into {"host", "port"}.
void set_server(Json& record, const char* member, const std::string& flag, const std::string& tls) {
  if (flag.empty() && tls.empty()) return;
  if (flag.empty() && !record.has(member)) return;
  Json& server = record.slot(member);
  if (!flag.empty()) {
    std::string host = flag, port;
    if (const auto colon = flag.rfind(':');
        colon != std::string::npos && (flag.find(':') == colon || flag.find("]:") == colon - 1)) {
      host = flag.substr(0, colon);
      port = flag.substr(colon + 1);
    }
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    server.set("host", host);
    if (!port.empty()) {
      int n = 0;
      const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), n);
      if (ec != std::errc() || end != port.data() + port.size() || n < 1 || n > 65535)
        throw CliError(std::string("--") + member + ": \"" + port + "\" is not a port; write HOST:PORT");
      server.set("port", n);
    }
  }
  if (!tls.empty()) server.set("tls", tls);
}

Json record_of(const Command& c, const Inputs& inputs) {
  Json record = Json::object();
  if (inputs.document) {
    try {
      record = Json::parse(*inputs.document);
    } catch (const JsonError& e) {
      throw CliError(c.file + " is not JSON: " + e.what());
    }
    if (!record.is_object()) throw CliError(c.file + " does not hold a JSON object");
  }
  for (const auto& [key, value] : {std::pair{"id", &c.id},
                                   {"type", &c.type},
                                   {"label", &c.label},
                                   {"email", &c.email},
                                   {"username", &c.username},
                                   {"ca_file", &c.ca_file}})
    if (!value->empty()) record.set(key, *value);
  set_server(record, "imap", c.imap, c.tls);
  set_server(record, "smtp", c.smtp, c.tls);
  return record;
}

void check_id(const std::string& id) {
  const bool good = !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](unsigned char ch) {
    return std::isalnum(ch) || ch == '.' || ch == '_' || ch == '-';
  });
  if (!good)
    throw CliError(id.empty() ? "the credential needs a name: --id NAME, or \"id\" in the file"
                              : "a credential's id is 1 to 64 of letters, digits, '.', '_' and '-'");
}

/// The type's declaration in some module's manifest, with the manifests kept.
const CredentialType& type_named(const std::string& type, const std::vector<Registry::Found>& found) {
  std::vector<std::string> known;
  for (const auto& f : found) {
    if (!f.manifest) continue;
    if (const CredentialType* t = f.manifest->credential_type(type)) return *t;
    for (const auto& t : f.manifest->credential_types) known.push_back(t.type);
  }
  std::string all;
  for (const auto& k : known) all += (all.empty() ? "" : ", ") + k;
  if (type.empty())
    throw CliError("the credential needs a type: --type TYPE, or \"type\" in the file; known: " +
                   (all.empty() ? "none" : all));
  const std::string near = nearest(type, known);
  throw CliError("no module declares a credential type \"" + type + "\"" +
                 (near.empty() ? "" : "; did you mean \"" + near + "\"?") +
                 " Known: " + (all.empty() ? "none" : all));
}

int add(App& app, const Command& c, const Inputs& inputs, const Io& io) {
  Json record = record_of(c, inputs);
  const std::string id = record["id"].str();
  check_id(id);
  const auto found = app.find();
  const CredentialType& type = type_named(record["type"].str(), found);

  std::map<std::string, Secret> secrets;
  const auto& fields = type.secret_fields;
  for (const auto& [field, secret] : inputs.secrets) {
    if (std::find(fields.begin(), fields.end(), field) == fields.end()) {
      const std::string near = nearest(field, fields);
      throw CliError("credentials of type \"" + type.type + "\" have no secret field \"" + field + "\"" +
                     (near.empty() ? "" : "; did you mean \"" + near + "\"?"));
    }
    if (secret.empty()) throw CliError("the secret \"" + field + "\" is empty");
    secrets[field] = secret.clone();
  }
  for (const std::string& field : fields) {
    const Json* value = record.find(field);
    if (!value) continue;
    if (!value->is_string()) throw CliError(field + ": expected a string, came " + value->type_name());
    if (!secrets.contains(field)) secrets[field] = Secret(value->str());
    record.erase(field);
  }

  // Checked with stand-ins for the secrets, so that no message can quote one.
  Json checked = record;
  for (const char* own : {"id", "type", "label", "version"}) checked.erase(own);
  const bool known = app.credentials().get(id).has_value();
  for (const std::string& field : fields)
    if (known || secrets.contains(field)) checked.set(field, "********");
  if (const auto problems = type.schema.validate(checked); !problems.empty())
    throw CliError("credential \"" + id + "\": " + describe(problems));
  for (const std::string& field : type.references) {
    const std::string& named = record[field].str();
    if (named.empty() || app.credentials().get(named)) continue;
    std::vector<std::string> ids;
    for (const Json& r : app.credentials().list()) ids.push_back(r["id"].str());
    const std::string near = nearest(named, ids);
    throw CliError("credential \"" + id + "\": " + field + " names the credential \"" + named +
                   "\", which is not on record" + (near.empty() ? "" : "; did you mean \"" + near + "\"?") +
                   "; add that one first");
  }
  record.erase("version");
  app.credentials().put(record, secrets);
  if (c.json)
    io.json(app.credentials().get(id).value_or(record));
  else
    io.line("credential \"" + id + "\" is stored" +
            (secrets.empty() && !known && !fields.empty()
                 ? ", without a secret; add one with --secret-file FIELD=PATH"
                 : ""));
  return 0;
}

}  // namespace

int credential_verb(App& app, const Command& c, const Inputs& inputs, const Io& io) {
  if (c.verb == "credential add") return add(app, c, inputs, io);
  if (c.verb == "credential list") {
    Json all = Json::array();
    for (Json& r : app.credentials().list()) {
      if (!c.json)
        io.line(r["id"].str() + "  " + r["type"].str() + (r.has("email") ? "  " + r["email"].str() : "") +
                (r.has("label") ? "  " + r["label"].str() : ""));
      all.push(std::move(r));
    }
    if (c.json) io.json(Json{{"credentials", std::move(all)}});
    return 0;
  }
  const auto record = app.credentials().get(c.target);
  if (!record) {
    std::vector<std::string> ids;
    for (const Json& r : app.credentials().list()) ids.push_back(r["id"].str());
    const std::string near = nearest(c.target, ids);
    throw CliError("no credential \"" + c.target + "\" is on record" +
                   (near.empty() ? "" : "; did you mean \"" + near + "\"?") +
                   "; `credential list` shows them");
  }
  if (c.verb == "credential show") {
    io.json(*record);
    return 0;
  }
  app.credentials().remove(c.target);
  if (c.json)
    io.json(Json{{"removed", c.target}});
  else
    io.line("credential \"" + c.target + "\" and its secrets are removed");
  return 0;
}

int outbox_verb(App& app, const Command& c, const Io& io) {
  if (c.verb == "outbox resolve") {
    const bool sent = c.text == "sent";
    const std::int64_t now = app.clock().wall_ns();
    const Sql sql(app.db());
    State& state = app.state();
    // The record and the session that waits for it, or neither.
    const std::string session = sql.write("outbox.resolve", [&] {
      const std::string why = state.resolve_outbox(c.target, c.text, "operator", now);
      if (!why.empty()) throw CliError(why);
      return settle_uncertain(sql, c.target, sent, now);
    });
    if (c.json)
      io.json(Json{{"id", c.target}, {"state", c.text}}.set_if(!session.empty(), "session_id", session));
    else
      io.line(c.target + " counts as " + c.text +
              (session.empty() ? ""
               : sent          ? "; session " + session + " goes on"
                               : "; host-stub sessions retry " + session + " sends it again"));
    return 0;
  }
  if (c.verb == "outbox cancel") {
    const std::string why =
        app.state().resolve_outbox(c.target, "cancelled", "operator", app.clock().wall_ns());
    if (!why.empty()) throw CliError(why);
    if (c.json)
      io.json(Json{{"id", c.target}, {"state", "cancelled"}});
    else
      io.line(c.target + " is taken back: it will not be sent");
    return 0;
  }
  Json all = Json::array();
  for (Json& r : app.state().outbox()) {
    if (c.verb == "outbox show") {
      if (r["id"].str() != c.target) continue;
      io.json(r);
      return 0;
    }
    if (!c.json)
      io.line(r["id"].str() + "  " + r["state"].str() + "  " + r["kind"].str() + "  " + r["summary"].str());
    all.push(std::move(r));
  }
  if (c.verb == "outbox show")
    throw CliError("no outbox record \"" + c.target + "\"; `outbox list` shows them");
  if (c.json) io.json(Json{{"outbox", std::move(all)}});
  return 0;
}

}  // namespace aoh::host
