// A server's key by its SHA-256, as a configuration names it (`pinned_keys`).
#pragma once
#include <string>
#include <string_view>

struct x509_st;

namespace mailroom::net {

/// "sha256/" and the base64 of the SHA-256 of the certificate's SubjectPublicKeyInfo (RFC 7469 §2.4): what
/// `openssl x509 -in cert.pem -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256
/// -binary | openssl base64` prints behind the slash. Empty when out of memory.
std::string pin_of(x509_st* certificate);

/// True for "sha256/" and 44 characters of canonical base64, the form that pin_of() gives.
bool is_pin(std::string_view text);

}  // namespace mailroom::net
