// A service account's signed assertion (RFC 7523, JWT RS256: RFC 7515, 7518 §3.3). Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "host/oauth_settings.hpp"
#include "support/secret.hpp"

namespace mailroom::oauth {

inline constexpr std::int64_t kAssertionLife = 600;     ///< seconds; Google allows 3,600
inline constexpr std::int64_t kAssertionBackdate = 60;  ///< seconds, for servers whose clock is behind

/// A private key and what its file tells besides.
struct ServiceKey {
  aoh::Secret pem;
  std::string issuer, key_id;  ///< of Google's JSON key file; empty for bare PEM
};
/// `text`: PEM, or Google's JSON key file. Throws Failure(config); never quotes any of it.
ServiceKey read_service_key(std::string_view text, const std::string& where);

/// "header.claims.signature". `token_id`: random. Throws Failure(config) when the key is none, no RSA key,
/// has a passphrase or fewer than 2,048 bits, and when nobody says who the issuer is.
aoh::Secret assertion(const host::OAuthSettings& settings, const ServiceKey& key, std::int64_t now_unix_s,
                      std::string_view token_id, const std::string& where);

}  // namespace mailroom::oauth
