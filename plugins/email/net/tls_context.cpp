#include "net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/error.hpp"
#include "net/pin.hpp"
#include "net/tls_session.hpp"

namespace mailroom::net {
namespace {

// RFC 9325 §4: no static RSA, nothing without authentication or encryption, no RC4, 3DES or MD5. TLS 1.3's
// own suites are all good.
constexpr const char* kCiphers =
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:!aNULL:!eNULL:!PSK:!SRP:!MD5";

/// With a pinned key it does not count who signed the certificate; its name, dates and purpose do.
int whoever_signed(int good, X509_STORE_CTX* store) {
  if (good == 1) return 1;
  switch (X509_STORE_CTX_get_error(store)) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_UNTRUSTED:
      break;
    default:
      if (X509_STORE_CTX_get_error_depth(store) == 0) return 0;
  }
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

/// OpenSSL's check of the server's certificates, and ours.
int verify(X509_STORE_CTX* store, void*) {
  const SSL* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto& check = *static_cast<TlsCheck*>(SSL_get_app_data(ssl));
  const std::vector<std::string>& pins = check.endpoint->pinned_keys;
  if (!pins.empty()) {
    X509* own = X509_STORE_CTX_get0_cert(store);
    const std::string pin = own != nullptr ? pin_of(own) : std::string();
    if (std::find(pins.begin(), pins.end(), pin) == pins.end()) {
      check.seen_pin = pin;
      X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
      return 0;
    }
    if (check.endpoint->ca_file.empty()) X509_STORE_CTX_set_verify_cb(store, whoever_signed);
  }
  return X509_verify_cert(store) == 1 ? 1 : 0;
}

std::shared_ptr<SSL_CTX> make(const std::string& ca_file) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context) throw Failure(Errc::internal, "OpenSSL could not make a TLS context");
  SSL_CTX* c = context.get();
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  SSL_CTX_set_security_level(c, 2);
  if (SSL_CTX_set_cipher_list(c, kCiphers) != 1)
    throw Failure(Errc::internal, "OpenSSL knows none of the ciphers that TLS is to use");
  SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_clear_options(c, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
  SSL_CTX_set_mode(
      c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(c, verify, nullptr);
  if (ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(c) != 1)
      throw Failure(Errc::config, "the system's certificates could not be read", {},
                    "Install the package ca-certificates.");
  } else {
    if (SSL_CTX_load_verify_file(c, ca_file.c_str()) != 1)
      throw Failure(Errc::config, "the CA file holds no readable PEM certificate", ca_file,
                    "Check its path, its permissions and that it is in PEM format.");
    // A private CA file may hold an intermediate or the server's own certificate: trusting exactly that is
    // what was asked for.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(c), X509_V_FLAG_PARTIAL_CHAIN);
  }
  ERR_clear_error();
  return context;
}

}  // namespace

std::shared_ptr<ssl_ctx_st> TlsContexts::get(const std::string& ca_file) {
  std::int64_t changed = 0;
  struct stat st {};
  if (!ca_file.empty() && stat(ca_file.c_str(), &st) == 0)
    changed = st.st_mtim.tv_sec * 1'000'000'000LL + st.st_mtim.tv_nsec;
  const std::lock_guard lock(mutex_);
  Entry& entry = by_ca_[ca_file];
  if (!entry.context || entry.changed_ns != changed) {
    entry.context = make(ca_file);
    entry.changed_ns = changed;
  }
  return entry.context;
}

}  // namespace mailroom::net
