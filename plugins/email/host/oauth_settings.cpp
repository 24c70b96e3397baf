#include "host/oauth_settings.hpp"

#include <algorithm>

#include "base/error.hpp"

namespace mailroom::host {
namespace {

constexpr std::size_t kMostUrl = 2048;
constexpr std::pair<Grant, std::string_view> kGrants[] = {{Grant::authorization_code, "authorization_code"},
                                                          {Grant::device_code, "device_code"},
                                                          {Grant::client_credentials, "client_credentials"},
                                                          {Grant::service_account, "service_account"}};

/// A tenant becomes a part of a path: nothing that could lead elsewhere.
bool plain_word(std::string_view s) {
  return !s.empty() && s.size() <= 128 && s != "." && s != ".." &&
         std::all_of(s.begin(), s.end(), [](unsigned char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                  c == '.' || c == '_';
         });
}

/// RFC 6749 §3.3: a scope is visible ASCII but for the quote and the backslash.
bool is_scope(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](unsigned char c) {
    return c > 0x20 && c < 0x7F && c != '"' && c != '\\';
  });
}

std::string fill_in(std::string text, const std::string& tenant) {
  constexpr std::string_view kHole = "{tenant}";
  if (const auto at = text.find(kHole); at != std::string::npos) text.replace(at, kHole.size(), tenant);
  return text;
}

void check_endpoint(const OAuthSettings& s, const std::string& text, const std::string& field) {
  if (text.empty()) return;
  const Url url = parse_url(text, field);
  if (url.tls) return;
  if (s.require_tls)
    throw Failure(Errc::config, "the endpoint is http, but the account requires TLS", field, "Use https");
  if (!net::is_loopback_name(url.host))
    throw Failure(Errc::config, "plaintext is refused to a server that is not on loopback", field,
                  "Use https");
}

void check_redirect(const std::string& text, const std::string& field) {
  const Url url = parse_url(text, field);
  if (url.tls || (url.host != "127.0.0.1" && url.host != "localhost") ||
      url.target.find('?') != std::string::npos)
    throw Failure(Errc::config, "the sign-in page can lead back to this machine only", field,
                  "Use http://127.0.0.1 or http://localhost, as it was registered");
}

}  // namespace

std::string_view name(Grant grant) {
  for (const auto& [g, n] : kGrants)
    if (g == grant) return n;
  return "?";
}

bool needs_a_person(Grant grant) { return grant == Grant::authorization_code || grant == Grant::device_code; }

std::string Url::host_field() const {
  const std::string h = host.find(':') != std::string::npos ? "[" + host + "]" : host;
  return port == (tls ? 443 : 80) ? h : h + ":" + std::to_string(port);
}

Url parse_url(const std::string& text, const std::string& field) {
  const auto bad = [&](const char* why) {
    return Failure(Errc::config, std::string("the URL ") + why, field, "Write https://HOST/PATH");
  };
  if (text.size() > kMostUrl) throw bad("has more than 2,048 bytes");
  for (const unsigned char c : text)
    if (c <= 0x20 || c >= 0x7F || c == '"' || c == '<' || c == '>' || c == '\\')
      throw bad("has a character that does not belong there");
  if (text.find('#') != std::string::npos) throw bad("has a fragment");
  Url out;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    out.tls = false;
  } else {
    throw bad("does not begin with https:// or http://");
  }
  const auto end = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, end);
  out.target = std::string(rest.substr(end));
  if (!out.target.starts_with('/')) out.target.insert(0, 1, '/');
  if (authority.find('@') != std::string_view::npos) throw bad("names a user");
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) throw bad("has an address without an end");
    out.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
    if (!port.empty() && port[0] != ':') throw bad("has something behind the address");
  } else {
    const auto colon = authority.find(':');
    out.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
  }
  if (out.host.empty() || out.host.size() > 253) throw bad("has no host");
  unsigned n = out.tls ? 443 : 80;
  if (!port.empty()) {
    port.remove_prefix(1);
    if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos)
      throw bad("has a port that is none");
    n = static_cast<unsigned>(std::stoul(std::string(port)));
  }
  if (n < 1 || n > 65535) throw bad("has a port that is none");
  out.port = static_cast<std::uint16_t>(n);
  return out;
}

net::Endpoint OAuthSettings::server(const Url& url) const {
  net::Endpoint e;
  e.host = url.host;
  e.port = url.port;
  e.tls = url.tls ? net::TlsMode::implicit : net::TlsMode::none;
  e.require_tls = url.tls || require_tls;
  e.ca_file = ca_file;
  e.connect_address = address;
  return e;
}

OAuthSettings oauth_settings_from(const aoh::Json& record, const aoh::Json& preset) {
  const aoh::Json& own = record["oauth"];
  const std::string at = "credential " + record["id"].str() + ": oauth";
  const auto text = [&](const char* member) { return own[member].str_or(preset[member].str()); };
  OAuthSettings s;
  s.require_tls = record["require_tls"].boolean(true);
  if (const std::string& word = own["grant"].str(); !word.empty()) {
    const auto* const g = std::find_if(std::begin(kGrants), std::end(kGrants),
                                       [&](const auto& known) { return known.second == word; });
    if (g == std::end(kGrants))
      throw Failure(Errc::config, "there is no such grant: \"" + printable(word, 40) + "\"", at + ".grant",
                    "Use authorization_code, device_code, client_credentials or service_account");
    s.grant = g->first;
  }
  s.tenant = text("tenant");
  if (!s.tenant.empty() && !plain_word(s.tenant))
    throw Failure(Errc::config, "the tenant has characters that do not belong there", at + ".tenant",
                  "Write the organisation's id or its domain");
  s.authorization_endpoint = fill_in(text("authorization_endpoint"), s.tenant);
  s.token_endpoint = fill_in(text("token_endpoint"), s.tenant);
  s.device_endpoint = fill_in(text("device_authorization_endpoint"), s.tenant);
  check_endpoint(s, s.authorization_endpoint, at + ".authorization_endpoint");
  check_endpoint(s, s.token_endpoint, at + ".token_endpoint");
  check_endpoint(s, s.device_endpoint, at + ".device_authorization_endpoint");
  const auto need = [&](const std::string& value, const char* what, const char* member) {
    if (value.empty())
      throw Failure(Errc::config, std::string("the account has no ") + what, at + "." + member,
                    "Nothing is known of the provider: name it in the record");
  };
  need(s.token_endpoint, "token endpoint", "token_endpoint");
  if (s.grant == Grant::authorization_code)
    need(s.authorization_endpoint, "page to sign in at", "authorization_endpoint");
  if (s.grant == Grant::device_code)
    need(s.device_endpoint, "endpoint for device codes", "device_authorization_endpoint");
  s.client_id = own["client_id"].str();
  if (s.client_id.empty() && s.grant != Grant::service_account)
    throw Failure(Errc::config, "the account has no client id", at + ".client_id",
                  "Register an application with the provider, and name its id");
  const aoh::Json* scopes = own.find("scopes");
  const bool alone = s.grant == Grant::client_credentials || s.grant == Grant::service_account;
  if (!scopes && alone) scopes = preset.find("client_credentials_scopes");
  if (!scopes) scopes = preset.find("scopes");
  if (scopes)
    for (const aoh::Json& scope : scopes->items()) {
      if (!is_scope(scope.str()))
        throw Failure(Errc::config, "this is not a scope: \"" + printable(scope.str(), 80) + "\"",
                      at + ".scopes", "Each stands by itself, without blanks");
      s.scopes.push_back(scope.str());
    }
  s.subject = own["subject"].str_or(record["username"].str_or(record["email"].str()));
  s.issuer = own["issuer"].str();
  s.key_id = own["key_id"].str();
  s.audience = own["audience"].str();
  if (const std::string uri = text("redirect_uri"); !uri.empty()) s.redirect_uri = uri;
  check_redirect(s.redirect_uri, at + ".redirect_uri");
  for (const auto& m : preset["authorization_parameters"].members())
    s.authorization_parameters.emplace_back(m.key, m.value.str());
  s.address = own["address"].str();
  s.ca_file = own["ca_file"].str();
  return s;
}

}  // namespace mailroom::host
