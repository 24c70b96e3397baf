// providers.json read and checked.
#include <algorithm>

#include "base/error.hpp"
#include "host/providers.hpp"
#include "providers_json.hpp"

namespace mailroom::host {
namespace {

std::string lower(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

[[noreturn]] void wrong(const std::string& entry, const std::string& field, const char* what) {
  throw Failure(Errc::config, std::string("the provider's entry is wrong: ") + what,
                "providers.json: " + entry + "." + field, "Correct manifests/providers.json");
}

/// {"value", "source", "as_of"}: no figure without saying where it is from.
const aoh::Json& fact(const aoh::Json& json, const std::string& entry, const std::string& field) {
  if (!json.is_object() || !json.has("value")) wrong(entry, field, "it has no value");
  if (json["source"].str().empty() || json["as_of"].str().empty())
    wrong(entry, field, "it has no source and as_of");
  return json["value"];
}

std::vector<std::string> names(const aoh::Json& json, const std::string& entry, const std::string& field) {
  std::vector<std::string> out;
  for (const aoh::Json& n : json.items()) out.push_back(lower(n.str()));
  if (out.empty() || std::count(out.begin(), out.end(), "")) wrong(entry, field, "it names nothing");
  return out;
}

/// Where the provider's servers are; they must lie below the entry's own hosts.
net::Endpoint server(const aoh::Json& value, const Preset& p, const std::string& field) {
  net::Endpoint e;
  e.host = lower(value["host"].str());
  const std::int64_t port = value["port"].integer();
  if (preset_for_host(e.host, {p}) == nullptr) wrong(p.name, field, "its host is none of the entry's");
  if (port < 1 || port > 65535) wrong(p.name, field, "its port is not between 1 and 65535");
  e.port = static_cast<std::uint16_t>(port);
  if (!net::parse_tls_mode(value["tls"].str(), e.tls) || e.tls == net::TlsMode::none)
    wrong(p.name, field, "its tls is neither implicit nor starttls");
  return e;
}

std::vector<Method> methods(const aoh::Json& value, const std::string& entry) {
  std::vector<Method> out;
  for (const aoh::Json& m : value.items()) {
    out.push_back({m["method"].str(), m["instruction"].str()});
    const std::string& name = out.back().name;
    if (name != "oauth2" && name != "app_password" && name != "password")
      wrong(entry, "authentication", "its method is none of oauth2, app_password and password");
    if (out.back().instruction.empty()) wrong(entry, "authentication", "it has no instruction");
  }
  if (out.empty()) wrong(entry, "authentication", "it names no method");
  return out;
}

/// Read as an account's would be, so that a wrong entry is found when it is built.
void check_oauth(const aoh::Json& value, const std::string& entry) {
  static constexpr std::string_view kKnown[] = {"authorization_endpoint",
                                                "token_endpoint",
                                                "device_authorization_endpoint",
                                                "scopes",
                                                "client_credentials_scopes",
                                                "tenant",
                                                "redirect_uri",
                                                "authorization_parameters",
                                                "grants"};
  for (const auto& m : value.members())
    if (std::find(std::begin(kKnown), std::end(kKnown), m.key) == std::end(kKnown))
      wrong(entry, "oauth." + m.key, "there is no such member");
  if (value["grants"].empty()) wrong(entry, "oauth.grants", "it names none");
  try {
    for (const aoh::Json& grant : value["grants"].items())
      (void)oauth_settings_from(
          aoh::Json{{"id", entry}, {"oauth", {{"client_id", "x"}, {"grant", grant.str()}}}}, value);
  } catch (const Failure& f) {
    wrong(entry, "oauth", f.error.what.c_str());
  }
}

std::chrono::seconds time(const aoh::Json& value, std::int64_t least, std::int64_t most,
                          const std::string& entry, const std::string& field) {
  const std::int64_t n = value.integer();
  if (!value.is_int() || n < least || n > most) wrong(entry, field, "it is out of range");
  return std::chrono::seconds(n);
}

std::vector<std::string> quirks(const aoh::Json& json, const std::string& entry) {
  std::vector<std::string> out;
  for (const auto& q : json.members()) {
    if (!fact(q.value, entry, "quirks." + q.key).boolean()) wrong(entry, "quirks." + q.key, "it is not true");
    out.push_back(q.key);
  }
  return out;
}

Preset preset_from(const aoh::Json& json) {
  Preset p;
  p.name = json["name"].str();
  if (p.name.empty()) wrong("?", "name", "it is missing");
  p.title = json["title"].str_or(p.name);
  p.hosts = names(json["hosts"], p.name, "hosts");
  aoh::Json limits = aoh::Json::object();
  for (const auto& m : json.members()) {
    if (m.key == "name" || m.key == "title" || m.key == "hosts") continue;
    if (m.key == "quirks") {
      p.quirks = quirks(m.value, p.name);
      continue;
    }
    const aoh::Json& value = fact(m.value, p.name, m.key);
    if (m.key == "sent_copy") {
      p.sent_copy = sent_copy_from(value.str());
      if (!p.sent_copy || *p.sent_copy == SentCopy::none)
        wrong(p.name, m.key, "it is neither append nor server");
    } else if (m.key == "imap" || m.key == "smtp") {
      (m.key == "imap" ? p.imap : p.smtp) = server(value, p, m.key);
    } else if (m.key == "domains" || m.key == "mx") {
      (m.key == "mx" ? p.mx : p.domains) = names(value, p.name, m.key);
    } else if (m.key == "authentication") {
      p.authentication = methods(value, p.name);
    } else if (m.key == "oauth") {
      check_oauth(value, p.name);
      p.oauth = value;
    } else if (m.key == "idle_renew_s") {
      p.idle_renew = time(value, 10, 1740, p.name, m.key);
    } else if (m.key == "poll_interval_s") {
      p.poll_interval = time(value, 1, 3600, p.name, m.key);
    } else {
      limits.set(m.key, value);
    }
  }
  p.limits = limits_from(limits, "providers.json: " + p.name);
  const bool by_token = std::any_of(p.authentication.begin(), p.authentication.end(),
                                    [](const Method& m) { return m.name == "oauth2"; });
  if (by_token != p.oauth.is_object())
    wrong(p.name, "oauth", "it goes together with the method oauth2, or neither is there");
  return p;
}

}  // namespace

std::vector<Preset> presets_from(const aoh::Json& document) {
  std::vector<Preset> out;
  for (const aoh::Json& p : document["providers"].items()) out.push_back(preset_from(p));
  return out;
}

const std::vector<Preset>& presets() {
  static const std::vector<Preset> built_in = presets_from(aoh::Json::parse(mailroom_generated::kProviders));
  return built_in;
}

}  // namespace mailroom::host
