#include "net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include "base/error.hpp"

namespace mailroom::net {
namespace {

std::shared_ptr<SSL_CTX> make(const std::string& ca_file) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!context) throw Failure(Errc::internal, "OpenSSL could not make a TLS context");
  SSL_CTX* c = context.get();
  SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
  SSL_CTX_set_options(c, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(
      c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
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
