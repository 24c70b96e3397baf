// Where an account's OAuth 2 tokens come from: the record's `oauth` object over what is known of the
// provider. Pure; no secrets.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/endpoint.hpp"
#include "support/json.hpp"

namespace mailroom::host {

enum class Grant {
  authorization_code,  ///< a person, by browser (RFC 6749 §4.1, RFC 7636, RFC 8252)
  device_code,         ///< a person, on another device (RFC 8628)
  client_credentials,  ///< the application itself (RFC 6749 §4.4)
  service_account,     ///< a signed assertion (RFC 7523)
};
std::string_view name(Grant grant);  ///< "authorization_code"
/// Does a person sign in, so that the grant can be revoked and needs a person again?
bool needs_a_person(Grant grant);

/// An http or https URL, taken apart.
struct Url {
  bool tls = true;
  std::string host;  ///< without brackets
  std::uint16_t port = 0;
  std::string target;  ///< path and query, begins with '/'

  std::string host_field() const;  ///< as it stands in a Host field
};
/// Strict: no user, no fragment, no blank or control character, at most 2,048 bytes. Throws Failure(config).
Url parse_url(const std::string& text, const std::string& field);

struct OAuthSettings {
  Grant grant = Grant::authorization_code;
  std::string authorization_endpoint, token_endpoint, device_endpoint;  ///< empty: not known
  std::string client_id, tenant;
  std::vector<std::string> scopes;
  std::string subject, issuer, key_id,
      audience;  ///< of a service account's assertion; empty: see docs/oauth.md
  std::string redirect_uri = "http://127.0.0.1";
  std::vector<std::pair<std::string, std::string>>
      authorization_parameters;  ///< what the provider wants besides
  std::string address, ca_file;  ///< as in net::Endpoint
  bool require_tls = true;

  /// The server behind one of the endpoints.
  net::Endpoint server(const Url& url) const;
};

/// Throws Failure(config) that names the field and the cure: an unknown grant, an endpoint that is no URL or
/// is http off loopback, no token endpoint, no client id. `record`: the whole credential; `preset`: the
/// provider's `oauth`, or null.
OAuthSettings oauth_settings_from(const aoh::Json& record, const aoh::Json& preset);

}  // namespace mailroom::host
