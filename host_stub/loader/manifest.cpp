#include "loader/manifest.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

namespace aoh::host {
namespace {

constexpr std::size_t kMaxManifest = 1u << 20;

struct ServicePermission {
  std::string_view service, permission;
};
constexpr ServicePermission kServicePermissions[] = {{"aoh.credential", "credentials"},
                                                     {"aoh.vault", "vault"},
                                                     {"aoh.state", "state"},
                                                     {"aoh.blob", "blobs"},
                                                     {"aoh.knowledge", "knowledge"},
                                                     {"aoh.extract", "extract"}};

[[noreturn]] void fail(const std::string& pointer, const std::string& why) {
  throw ManifestError("manifest at " + (pointer.empty() ? std::string("/") : pointer) + ": " + why);
}

const Schema& manifest_schema() {
  static const Schema schema = Schema::compile(Json::parse(manifest_schema_text()));
  return schema;
}

Schema compile(const Json& schema, const std::string& at) {
  try {
    return Schema::compile(schema);
  } catch (const SchemaError& e) {
    fail(at, std::string("the schema is not usable: at ") + e.what());
  }
}

/// A schema whose instances are objects: model APIs take nothing else for a tool's input.
Schema compile_object(const Json& schema, const std::string& at) {
  if (schema["type"].str() != "object")
    fail(at + "/type", "expected \"object\" at the root of this schema, came " + schema["type"].dump());
  for (const char* key : {"anyOf", "oneOf", "allOf", "not", "enum"})
    if (schema.has(key))
      fail(at + "/" + key,
           "model APIs take no such keyword at the root; put the alternatives into a property");
  return compile(schema, at);
}

std::vector<std::string> strings(const Json& array) {
  std::vector<std::string> out;
  for (const Json& item : array.items()) out.push_back(item.str());
  return out;
}

ToolSpec tool(const Json& json, const std::string& at) {
  ToolSpec t;
  t.name = json["name"].str();
  t.title = json["title"].str_or(t.name);
  t.description = json["description"].str();
  t.input = compile_object(json["inputSchema"], at + "/inputSchema");
  for (const auto& p : json["inputSchema"]["properties"].members())
    if (p.key.empty() || p.key.size() > 64 ||
        p.key.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") !=
            std::string::npos)
      fail(at + "/inputSchema/properties",
           "the property name \"" + p.key + "\" is not [A-Za-z0-9_.-]{1,64}, which is what model APIs take");
  t.has_output = json.has("outputSchema");
  if (t.has_output) t.output = compile_object(json["outputSchema"], at + "/outputSchema");
  t.annotations = json["annotations"];
  const Json& aoh = json["aoh"];
  t.timeout_ms = aoh["timeout_ms"].integer(t.timeout_ms);
  t.concurrency = static_cast<int>(aoh["concurrency"].integer(t.concurrency));
  t.max_result_bytes = static_cast<std::size_t>(aoh["max_result_bytes"].integer(1 << 20));
  const std::string approval = aoh["approval"].str_or("never");
  t.approval = approval == "always"   ? Approval::always
               : approval == "policy" ? Approval::policy
                                      : Approval::never;
  t.egress = aoh["egress"].boolean();
  if (const Json* c = aoh.find("credential")) {
    t.credential =
        ToolSpec::CredentialUse{(*c)["argument"].str(), *grant_from((*c)["grant"].str()), (*c)["type"].str()};
    if (!json["inputSchema"]["properties"].has(t.credential->argument))
      fail(at + "/aoh/credential/argument",
           "\"" + t.credential->argument + "\" is not a property of the tool's inputSchema");
  }
  t.permissions = strings(aoh["permissions"]);
  for (std::size_t i = 0; i < aoh["examples"].size(); ++i) {
    const Json& arguments = aoh["examples"].at(i)["arguments"];
    const auto problems = t.input.validate(arguments);
    if (!problems.empty())
      fail(at + "/aoh/examples/" + std::to_string(i) + "/arguments",
           "the example is not valid by the tool's inputSchema: " + describe(problems));
    t.examples.push_back(arguments);
  }
  t.mcp = json;
  t.mcp.erase("aoh");
  return t;
}

CredentialType credential_type(const Json& json, const std::string& at) {
  CredentialType c{json["type"].str(),
                   json["title"].str_or(json["type"].str()),
                   compile_object(json["schema"], at + "/schema"),
                   strings(json["secret_fields"]),
                   strings(json["references"]),
                   strings(json["finds"])};
  for (const auto& field : c.secret_fields)
    if (!json["schema"]["properties"].has(field))
      fail(at + "/secret_fields", "\"" + field + "\" is not a property of the type's schema");
  for (const auto& field : c.references) {
    if (json["schema"]["properties"][field]["type"].str() != "string")
      fail(at + "/references", "\"" + field + "\" is not a string among the properties of the type's schema");
    if (std::find(c.secret_fields.begin(), c.secret_fields.end(), field) != c.secret_fields.end())
      fail(at + "/references", "\"" + field + "\" is secret, so it cannot name a credential");
  }
  for (const auto& field : c.finds)
    if (!json["schema"]["properties"].has(field) ||
        std::find(c.secret_fields.begin(), c.secret_fields.end(), field) != c.secret_fields.end())
      fail(at + "/finds", "\"" + field + "\" is not a property of the type's schema, or is secret");
  return c;
}

TriggerSource trigger_source(const Json& json, const std::string& at, const Manifest& m) {
  TriggerSource s{json["source"].str(), compile(json["match_schema"], at + "/match_schema"), {}, {}, {}};
  if (json.has("rule_actions")) s.actions = compile_object(json["rule_actions"], at + "/rule_actions");
  for (const Json& t : json["rule_tools"].items()) {
    if (!m.tool(t.str())) fail(at + "/rule_tools", "\"" + t.str() + "\" is not a tool of this manifest");
    s.rule_tools.push_back(t.str());
  }
  for (const Json& f : json["source_key"].items())
    s.source_key.push_back({f["name"].str(), f["path"].str(), f["default"]});
  return s;
}

FinishAction finish_action(const Json& json, const std::string& at, const Manifest& m) {
  FinishAction a{json["name"].str(), json["tool"].str(), compile(json["schema"], at + "/schema"), {}, {}};
  const ToolSpec* t = m.tool(a.tool);
  if (!t) {
    std::vector<std::string> names;
    for (const ToolSpec& x : m.tools) names.push_back(x.name);
    const std::string near = nearest(a.tool, names);
    fail(at + "/tool", "\"" + a.tool + "\" is not a tool of this manifest" +
                           (near.empty() ? "" : "; did you mean \"" + near + "\"?"));
  }
  const Json& inputs = t->input.json()["properties"];
  const Json& fields = json["schema"]["properties"];
  const auto mapping = [&](const char* key, FinishAction::Mapping& out, bool from_action) {
    for (const auto& [argument, source] : json[key].members()) {
      if (!inputs.has(argument))
        fail(at + "/" + key + "/" + argument,
             "\"" + argument + "\" is not a property of the inputSchema of " + a.tool);
      if (from_action && !fields.has(source.str()))
        fail(at + "/" + key + "/" + argument,
             "\"" + source.str() + "\" is not a property of the action's schema");
      out.emplace_back(argument, source.str());
    }
  };
  mapping("arguments", a.arguments, true);
  mapping("trigger_arguments", a.trigger_arguments, false);
  return a;
}

template <class T, class Name>
void unique(const std::vector<T>& all, Name name, const std::string& at) {
  std::set<std::string> seen;
  for (const T& x : all)
    if (!seen.insert(name(x)).second) fail(at, "\"" + name(x) + "\" stands twice");
}

void check_permissions(const Manifest& m) {
  for (const auto* list : {&m.services_required, &m.services_optional})
    for (const std::string& service : *list) {
      const std::string_view needed = permission_of_service(service);
      if (!needed.empty() && !m.has_permission(needed))
        fail("/permissions", "the service " + service + " needs the permission \"" + std::string(needed) +
                                 "\"; add it with a reason, or drop the service");
    }
  for (std::size_t i = 0; i < m.tools.size(); ++i)
    for (const std::string& p : m.tools[i].permissions)
      if (!m.has_permission(p))
        fail("/tools/" + std::to_string(i) + "/aoh/permissions",
             "\"" + p + "\" is not among the module's permissions; add it there with a reason");
}

}  // namespace

const char* name(Approval approval) {
  return approval == Approval::always ? "always" : approval == Approval::policy ? "policy" : "never";
}
const char* name(Grant grant) {
  static constexpr const char* kNames[] = {"read", "draft", "send", "manage"};
  return kNames[static_cast<int>(grant)];
}
std::optional<Grant> grant_from(std::string_view text) {
  for (const Grant g : {Grant::read, Grant::draft, Grant::send, Grant::manage})
    if (text == name(g)) return g;
  return std::nullopt;
}

std::string_view permission_of_service(std::string_view service_id) {
  const std::string_view base = service_id.substr(0, service_id.find('/'));
  for (const auto& [service, permission] : kServicePermissions)
    if (service == base) return permission;
  return {};
}

Manifest Manifest::parse(std::string text) {
  Manifest m;
  try {
    m.raw = Json::parse(text, JsonLimits{.max_bytes = kMaxManifest, .max_depth = 48, .max_values = 200'000});
  } catch (const JsonError& e) {
    throw ManifestError(std::string("manifest is not ") + e.what());
  }
  m.text = std::move(text);
  const auto problems = manifest_schema().validate(m.raw);
  if (!problems.empty()) throw ManifestError("manifest at " + describe(problems));
  const Json& j = m.raw;
  m.id = j["id"].str();
  m.version = j["version"].str();
  m.title = j["title"].str();
  m.description = j["description"].str();
  m.license = j["license"].str();
  m.abi_major = static_cast<std::uint32_t>(j["abi"]["major"].integer());
  m.abi_minor = static_cast<std::uint32_t>(j["abi"]["minor"].integer());
  m.services_required = strings(j["services"]["required"]);
  m.services_optional = strings(j["services"]["optional"]);
  m.extractor = {strings(j["extractor"]["mime_types"]), strings(j["extractor"]["extensions"])};
  for (const Json& p : j["permissions"].items())
    m.permissions.push_back({p["name"].str(), p["reason"].str()});
  if (j.has("config_schema")) m.config = compile_object(j["config_schema"], "/config_schema");
  const auto each = [&](const char* key, auto&& fn) {
    for (std::size_t i = 0; i < j[key].size(); ++i)
      fn(j[key].at(i), std::string("/") + key + "/" + std::to_string(i));
  };
  each("tools", [&](const Json& t, const std::string& at) { m.tools.push_back(host::tool(t, at)); });
  each("credential_types", [&](const Json& c, const std::string& at) {
    m.credential_types.push_back(host::credential_type(c, at));
  });
  for (std::size_t i = 0; i < m.tools.size(); ++i)
    if (const auto& use = m.tools[i].credential; use && !use->type.empty() && !m.credential_type(use->type))
      fail("/tools/" + std::to_string(i) + "/aoh/credential/type",
           "\"" + use->type + "\" is not a credential type of this manifest");
  each("trigger_sources",
       [&](const Json& s, const std::string& at) { m.trigger_sources.push_back(trigger_source(s, at, m)); });
  each("finish_actions", [&](const Json& a, const std::string& at) {
    m.finish_actions.push_back(host::finish_action(a, at, m));
  });
  unique(
      m.tools, [](const ToolSpec& t) { return t.name; }, "/tools");
  unique(
      m.credential_types, [](const CredentialType& t) { return t.type; }, "/credential_types");
  unique(
      m.trigger_sources, [](const TriggerSource& t) { return t.source; }, "/trigger_sources");
  unique(
      m.finish_actions, [](const FinishAction& t) { return t.name; }, "/finish_actions");
  unique(
      m.permissions, [](const Permission& t) { return t.name; }, "/permissions");
  check_permissions(m);
  return m;
}

Manifest Manifest::load(const std::filesystem::path& file) {
  std::error_code ec;
  const auto size = std::filesystem::file_size(file, ec);
  if (ec) throw ManifestError(file.string() + ": the manifest cannot be read: " + ec.message());
  if (size > kMaxManifest) throw ManifestError(file.string() + ": the manifest is larger than 1 MiB");
  std::ifstream in(file, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(in), {});
  if (!in.eof() && in.fail()) throw ManifestError(file.string() + ": the manifest cannot be read");
  try {
    return parse(std::move(text));
  } catch (const ManifestError& e) {
    throw ManifestError(file.string() + ": " + e.what());
  }
}

const ToolSpec* Manifest::tool(std::string_view wanted) const {
  for (const ToolSpec& t : tools)
    if (t.name == wanted) return &t;
  return nullptr;
}
const TriggerSource* Manifest::source(std::string_view wanted) const {
  for (const TriggerSource& s : trigger_sources)
    if (s.source == wanted) return &s;
  return nullptr;
}
const FinishAction* Manifest::finish_action(std::string_view wanted) const {
  for (const FinishAction& a : finish_actions)
    if (a.name == wanted) return &a;
  return nullptr;
}
const CredentialType* Manifest::credential_type(std::string_view wanted) const {
  for (const CredentialType& c : credential_types)
    if (c.type == wanted) return &c;
  return nullptr;
}
bool Manifest::wants_service(std::string_view service) const {
  const auto in = [&](const auto& list) {
    return std::find(list.begin(), list.end(), service) != list.end();
  };
  return in(services_required) || in(services_optional);
}
bool Manifest::has_permission(std::string_view wanted) const {
  return std::any_of(permissions.begin(), permissions.end(),
                     [&](const Permission& p) { return p.name == wanted; });
}

}  // namespace aoh::host
