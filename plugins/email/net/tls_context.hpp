// TLS settings, made once and shared by every connection that has the same ones.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "net/endpoint.hpp"
#include "net/tls_details.hpp"

struct ssl_ctx_st;

namespace mailroom::net {

/// SSL_CTX objects by CA file: TLS 1.2 and later with forward secrecy and authenticated ciphers or AES-CBC,
/// OpenSSL's security level 2 (RSA from 2,048 bits, no SHA-1 signatures), peers verified, no renegotiation,
/// no session cache, buffers released while idle. A CA file that changed on disk gets a new one. Thread-safe.
class TlsContexts {
 public:
  /// Told of each handshake that succeeded, on the connection's strand; short, must not throw. Set before the
  /// first connection.
  std::function<void(const Endpoint&, const TlsDetails&)> on_handshake;

  /// `ca_file` empty: the system's trust store. Throws Failure(config) when the file cannot be read as PEM
  /// certificates.
  std::shared_ptr<ssl_ctx_st> get(const std::string& ca_file);

 private:
  struct Entry {
    std::int64_t changed_ns = 0;  // the CA file's modification time when it was read
    std::shared_ptr<ssl_ctx_st> context;
  };
  std::mutex mutex_;
  std::map<std::string, Entry> by_ca_;
};

}  // namespace mailroom::net
