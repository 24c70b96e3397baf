// Why TLS failed, in words that say what to do.
#pragma once
#include "base/error.hpp"
#include "net/endpoint.hpp"

namespace mailroom::net {

/// `verify_result`: OpenSSL's X509_V_ERR_*. `seen_pin`: of the key that is not among the pinned ones.
Error certificate_error(long verify_result, const Endpoint& endpoint, const std::string& seen_pin = {});
/// Empties OpenSSL's error queue of this thread and says what was on it. `doing`: "the TLS handshake failed".
Error tls_error(std::string_view doing, const Endpoint& endpoint);

}  // namespace mailroom::net
