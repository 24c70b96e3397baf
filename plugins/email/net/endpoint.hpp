// Where a server is and how far its TLS goes.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "support/secret.hpp"

namespace mailroom::net {

enum class TlsMode {
  implicit,  ///< TLS from the first byte (IMAP 993, SMTP 465)
  starttls,  ///< upgraded in the dialogue (IMAP 143, SMTP 587)
  none,      ///< never; accepted for loopback only
};

struct Endpoint {
  std::string host;  ///< name (U-labels or A-labels) or address; the name that the certificate must have
  std::uint16_t port = 0;
  TlsMode tls = TlsMode::implicit;
  std::string ca_file;      ///< PEM file of a private CA, used instead of the system's; empty: the system's
  bool require_tls = true;  ///< false: go on without TLS where STARTTLS is not offered, on loopback only
  std::string connect_address;  ///< numeric address to connect to instead of resolving `host`; empty: resolve

  /// "sha256/BASE64" (net/pin.hpp): the server's own key must be one of them. Without `ca_file` they stand in
  /// place of the system's authorities; with it both must hold. Name and dates count either way. At most 20.
  std::vector<std::string> pinned_keys;
  std::string
      client_certificate;  ///< PEM file with the certificate that we show (and its chain); empty: none
  std::shared_ptr<const aoh::Secret> client_key;  ///< its key, PEM without passphrase

  /// "host:port", for messages.
  std::string where() const;
  /// `host` as DNS, SNI and certificates have it: A-labels, lower case, no dot at the end. Throws
  /// Failure(config) for what is neither a host name nor an address.
  std::string dns_name() const;
};

/// Throws Failure(config) when no connection to `e` would be allowed or possible: no host or none that is a
/// host name, port 0, a pin that is none, a client certificate without key or the reverse. The one rule for
/// plaintext stands here: without TLS, or with STARTTLS that may be left out, the host must be loopback as
/// written (is_loopback_name), and so must be `connect_address` if there is one; net::open() then also
/// refuses a resolved address that is not.
void check(const Endpoint& e);

/// "localhost", 127.0.0.0/8 and ::1 as written in a configuration.
bool is_loopback_name(std::string_view host);

std::string_view name(TlsMode mode);                        ///< "implicit", "starttls", "none"
bool parse_tls_mode(std::string_view text, TlsMode& mode);  ///< also accepts "tls" and "ssl" for implicit

}  // namespace mailroom::net
