// Where a server is and how far its TLS goes.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace mailroom::net {

enum class TlsMode {
  implicit,  ///< TLS from the first byte (IMAP 993, SMTP 465)
  starttls,  ///< upgraded in the dialogue (IMAP 143, SMTP 587)
  none,      ///< never; accepted for loopback only
};

struct Endpoint {
  std::string host;  ///< name or address; the name that the certificate must have
  std::uint16_t port = 0;
  TlsMode tls = TlsMode::implicit;
  std::string ca_file;      ///< PEM file of a private CA, used instead of the system's; empty: the system's
  bool require_tls = true;  ///< false: go on without TLS where STARTTLS is not offered, on loopback only
  std::string connect_address;  ///< numeric address to connect to instead of resolving `host`; empty: resolve

  /// "host:port", for messages.
  std::string where() const;
};

/// Throws Failure(config) when no connection to `e` would be allowed or possible (no host, port 0, no TLS off
/// loopback).
void check(const Endpoint& e);

/// "localhost", 127.0.0.0/8 and ::1 as written in a configuration.
bool is_loopback_name(std::string_view host);

std::string_view name(TlsMode mode);                        ///< "implicit", "starttls", "none"
bool parse_tls_mode(std::string_view text, TlsMode& mode);  ///< also accepts "tls" and "ssl" for implicit

}  // namespace mailroom::net
