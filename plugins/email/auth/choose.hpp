// Which mechanism signs in, and which one next where the server does not know it after all.
#pragma once
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "auth/mechanism.hpp"

namespace mailroom::auth {

/// Those of `offered` (upper or lower case) that these credentials may use, strongest first: with a token
/// OAUTHBEARER, XOAUTH2; with a password SCRAM-SHA-256-PLUS, SCRAM-SHA-256, SCRAM-SHA-1-PLUS, SCRAM-SHA-1,
/// CRAM-MD5 (only where Credentials::mechanisms names it), PLAIN, LOGIN. The -PLUS forms by tls-exporter,
/// then by tls-server-end-point, as far as the connection has them. No SCRAM without a nonce.
std::vector<std::unique_ptr<Mechanism>> usable(std::span<const std::string> offered,
                                               const Credentials& credentials,
                                               const Circumstances& circumstances);

/// May the mechanism be used at all?
bool allowed(const Credentials& credentials, std::string_view name);

/// Why usable() is empty: what is offered, what is there to sign in with, and what to do.
Error no_way(const char* protocol, std::span<const std::string> offered, const Credentials& credentials);

}  // namespace mailroom::auth
