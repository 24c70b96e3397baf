#include "cli/credential_draft.hpp"

#include <algorithm>
#include <charconv>

#include "cli/calls.hpp"

namespace aoh::host {
namespace {

constexpr double kLookUp = 30;  // seconds, for a person who waits

void set_server(Json& record, const char* member, const std::string& flag, const std::string& tls) {
  if (flag.empty() && (tls.empty() || !record.has(member))) return;
  Json& server = record.slot(member);
  if (!flag.empty()) {
    const Json given = server_of(flag, std::string("--") + member);
    server.set("host", given["host"]);
    // A port belongs to the host that it was given with.
    server.erase("port");
    if (given.has("port")) server.set("port", given["port"]);
  }
  if (!tls.empty()) server.set("tls", tls);
}

Json record_of(const Command& c, const Inputs& inputs, const Json& before) {
  Json record = before.is_object() ? before : Json::object();
  if (inputs.document) {
    Json given;
    try {
      given = Json::parse(*inputs.document);
    } catch (const JsonError& e) {
      throw CliError(c.file + " is not JSON: " + e.what());
    }
    if (!given.is_object()) throw CliError(c.file + " does not hold a JSON object");
    for (const auto& [key, value] : given.members()) record.set(key, value);
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
  for (const std::string& field : c.unset) record.erase(field);
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

/// The one type that has an address, when only that was given; empty: none, or more than one.
std::string type_with_email(const std::vector<Registry::Found>& found) {
  std::string type;
  for (const auto& f : found)
    if (f.manifest)
      for (const auto& t : f.manifest->credential_types)
        if (!t.finds.empty() && t.schema.json()["properties"].has("email")) {
          if (!type.empty() && type != t.type) return {};
          type = t.type;
        }
  return type;
}

/// The type's declaration in some module's manifest.
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

void take_secrets(Draft& d, const Inputs& inputs) {
  const auto& fields = d.type->secret_fields;
  for (const auto& [field, secret] : inputs.secrets) {
    if (std::find(fields.begin(), fields.end(), field) == fields.end()) {
      const std::string near = nearest(field, fields);
      throw CliError("credentials of type \"" + d.type->type + "\" have no secret field \"" + field + "\"" +
                     (near.empty() ? "" : "; did you mean \"" + near + "\"?"));
    }
    if (written_by_module(*d.type, field))
      throw CliError("the secret \"" + field + "\" is written by the module itself, at each sign-in");
    if (secret.empty()) throw CliError("the secret \"" + field + "\" is empty");
    d.secrets[field] = secret.clone();
  }
  for (const std::string& field : fields) {
    const Json* value = d.record.find(field);
    if (!value) continue;
    if (!value->is_string()) throw CliError(field + ": expected a string, came " + value->type_name());
    if (!d.secrets.contains(field)) d.secrets[field] = Secret(value->str());
    d.record.erase(field);
  }
}

/// What a type whose module finds nothing wants: its required fields, and its secrets when none was given.
Json plain_questions(const Draft& d) {
  Json ask = Json::array();
  const Json& schema = d.type->schema.json();
  const auto& secret = d.type->secret_fields;
  const auto question = [&](const std::string& field, bool hidden) {
    const Json& property = schema["properties"][field];
    ask.push(Json{{"field", field}, {"title", field}, {"secret", hidden}}
                 .set_if(property.has("description"), "hint", property["description"])
                 .set_if(property.has("enum"), "choices", property["enum"]));
  };
  for (const Json& field : schema["required"].items())
    if (!d.record.has(field.str()) && std::find(secret.begin(), secret.end(), field.str()) == secret.end())
      question(field.str(), false);
  if (d.secrets.empty() && !d.replaces)
    for (const std::string& field : secret)
      if (!written_by_module(*d.type, field)) question(field, true);
  return ask;
}

}  // namespace

bool written_by_module(const CredentialType& type, const std::string& field) {
  return type.schema.json()["properties"][field]["readOnly"].boolean();
}

std::vector<std::string> secrets_from_people(App& app, const Json& record) {
  std::vector<std::string> fields = app.vault().fields(record["id"].str());
  for (const auto& f : app.find())
    if (const CredentialType* t = f.manifest ? f.manifest->credential_type(record["type"].str()) : nullptr)
      std::erase_if(fields, [&](const std::string& field) { return written_by_module(*t, field); });
  return fields;
}

Json server_of(const std::string& text, const std::string& what) {
  std::string host = text, port;
  if (const auto colon = text.rfind(':');
      colon != std::string::npos && (text.find(':') == colon || text.find("]:") == colon - 1)) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  Json out{{"host", host}};
  if (port.empty()) return out;
  int n = 0;
  const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), n);
  if (ec != std::errc() || end != port.data() + port.size() || n < 1 || n > 65535)
    throw CliError(what + ": \"" + port + "\" is not a port; write HOST:PORT");
  return out.set("port", n);
}

Draft draft_of(App& app, const Command& c, const Inputs& inputs, const Json& before) {
  Draft d;
  d.record = record_of(c, inputs, before);
  d.found = app.find();
  if (!d.record.has("type") && d.record.has("email"))
    if (const std::string type = type_with_email(d.found); !type.empty()) d.record.set("type", type);
  d.type = &type_named(d.record["type"].str(), d.found);
  take_secrets(d, inputs);
  d.record.erase("version");
  if (const std::string& id = d.record["id"].str(); !id.empty() || !c.propose) {
    check_id(id);
    d.replaces = app.credentials().get(id).has_value();
  }
  return d;
}

Json complete(App& app, Draft& d, const Command& c, const Inputs& inputs, const Io& io) {
  const auto& finds = d.type->finds;
  const bool has_any =
      std::any_of(finds.begin(), finds.end(), [&](const auto& field) { return d.record.has(field); });
  // A person is asked what the module thinks is missing, also where there is nothing to find.
  if (finds.empty() || (has_any && !c.propose))
    return Json{{"record", d.record}, {"found", Json::array()}, {"ask", plain_questions(d)}};
  app.need_credential_type(d.type->type);
  Json given = Json::array();
  for (const auto& [field, secret] : d.secrets) given.push(field);
  Command limited = c;
  if (limited.timeout_s <= 0) limited.timeout_s = kLookUp;
  CallRequest request = request_of(app, limited, inputs, io);
  const CallResult r = wait_for_call(app, io, [&](CallEngine::Done done) {
    return app.engine().start_setup(d.type->type, Json{{"record", d.record}, {"secrets", std::move(given)}},
                                    std::move(request), std::move(done));
  });
  if (r.status != AOH_OK) throw CliError(r.message);
  if (r.is_error()) {
    std::string text = one_line(text_of(r.result));
    while (text.ends_with(' ')) text.pop_back();
    throw CliError(text);
  }
  Json answer = r.result["structuredContent"];
  if (!answer["record"].is_object())
    throw CliError("the module of the credential type \"" + d.type->type + "\" answered without a record");
  // The name, the type and the words for people are not the module's to change.
  Json record = answer["record"];
  for (const char* own : {"id", "type", "label"}) {
    record.erase(own);
    record.set_if(d.record.has(own), own, d.record[own]);
  }
  for (const std::string& field : d.type->secret_fields) record.erase(field);
  d.record = record;
  answer.set("record", std::move(record));
  return answer;
}

void check(App& app, const Draft& d) {
  const std::string& id = d.record["id"].str();
  const CredentialType& type = *d.type;
  // Checked with stand-ins for the secrets, so that no message can quote one.
  Json checked = d.record;
  for (const char* own : {"id", "type", "label", "version"}) checked.erase(own);
  for (const std::string& field : type.secret_fields)
    if (d.replaces || d.secrets.contains(field)) checked.set(field, "********");
  if (const auto problems = type.schema.validate(checked); !problems.empty())
    throw CliError("credential \"" + id + "\": " + describe(problems));
  for (const std::string& field : type.references) {
    const std::string& named = d.record[field].str();
    if (named.empty() || app.credentials().get(named)) continue;
    std::vector<std::string> ids;
    for (const Json& r : app.credentials().list()) ids.push_back(r["id"].str());
    const std::string near = nearest(named, ids);
    throw CliError("credential \"" + id + "\": " + field + " names the credential \"" + named +
                   "\", which is not on record" + (near.empty() ? "" : "; did you mean \"" + near + "\"?") +
                   "; add that one first");
  }
}

}  // namespace aoh::host
