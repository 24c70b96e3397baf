// One connection's TLS: made from the endpoint's settings, and looked at when the handshake is done.
#pragma once
#include <memory>
#include <string>

#include "net/endpoint.hpp"
#include "net/tls_context.hpp"
#include "net/tls_details.hpp"

struct ssl_st;

namespace mailroom::net {

/// What the check of the server's certificate needs; lives as long as the SSL object.
struct TlsCheck {
  const Endpoint* endpoint = nullptr;  ///< the connection's
  std::string seen_pin;                ///< of the key that was not among the pinned ones
};

/// A client's SSL object on the descriptor `fd`, before its handshake: SNI for names and never for addresses
/// (RFC 6066 §3); the certificate's SAN must have the endpoint's name (A-labels; wildcards in the first label
/// alone; the subject's CN counts for nothing, RFC 9525 §2) or address; `pinned_keys` as docs/tls.md has
/// them; the client's certificate and key, if the endpoint has them. Throws Failure: config (a host name,
/// certificate or key that cannot be used), internal.
std::shared_ptr<ssl_st> make_tls(TlsContexts& contexts, TlsCheck& check, int fd);

/// After the handshake.
TlsDetails details_of(ssl_st* tls);

}  // namespace mailroom::net
