// OAuth 2 requests as values: the page that a person is sent to, and the bodies that go to the token endpoint
// (RFC 6749, 7636, 8628, 7523). Pure: what is random comes in.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "host/oauth_settings.hpp"
#include "support/secret.hpp"

namespace mailroom::oauth {

using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

/// application/x-www-form-urlencoded. Fields with an empty value are left out.
aoh::Secret form(const Fields& fields);
/// The pairs of a query or form, decoded; nothing where a percent sign is not followed by two digits, where
/// there are more than 50, or where a name comes twice (RFC 6749 §3.1).
bool read_form(std::string_view text, std::vector<std::pair<std::string, std::string>>& out);

/// Base64 for URLs, without padding (RFC 4648 §5).
std::string base64url(std::string_view bytes);
/// The S256 challenge of a code verifier (RFC 7636 §4.2). Throws Failure(internal) where there is no SHA-256.
std::string code_challenge(std::string_view verifier);

/// The page's URL. `login_hint`: the account's address.
std::string authorization_url(const host::OAuthSettings& settings, std::string_view redirect_uri,
                              std::string_view state, std::string_view challenge,
                              std::string_view login_hint);

/// Bodies for the token endpoint. `client_secret` may be empty: a public client.
aoh::Secret code_request(const host::OAuthSettings& settings, std::string_view client_secret,
                         std::string_view code, std::string_view verifier, std::string_view redirect_uri);
aoh::Secret refresh_request(const host::OAuthSettings& settings, std::string_view client_secret,
                            std::string_view refresh_token);
aoh::Secret client_credentials_request(const host::OAuthSettings& settings, std::string_view client_secret);
aoh::Secret assertion_request(const host::OAuthSettings& settings, std::string_view assertion);
aoh::Secret device_token_request(const host::OAuthSettings& settings, std::string_view client_secret,
                                 std::string_view device_code);
/// Body for the device authorization endpoint.
aoh::Secret device_request(const host::OAuthSettings& settings, std::string_view client_secret);

/// Request line and fields of a POST of `length` bytes of form data.
std::string post_head(const host::Url& url, std::size_t length);

}  // namespace mailroom::oauth
