// What binds a sign-in to this one TLS connection: who sits between sees another one.
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "net/stream_impl.hpp"

namespace mailroom::net {

// RFC 9266. tls-unique has no counterpart in TLS 1.3, and is not used below it either (RFC 7627).
std::string Stream::tls_exporter() const {
  SSL* ssl = impl_->ssl.get();
  if (ssl == nullptr || !is_tls() || SSL_version(ssl) != TLS1_3_VERSION) return {};
  constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  unsigned char out[32];
  if (SSL_export_keying_material(ssl, out, sizeof out, kLabel.data(), kLabel.size(), nullptr, 0, 1) != 1)
    return {};
  return {reinterpret_cast<const char*>(out), sizeof out};
}

// RFC 5929 §4.1: the certificate's digest by the hash of its signature, by SHA-256 where that is MD5 or
// SHA-1; undefined where the signature has no single hash (Ed25519).
std::string Stream::tls_server_end_point() const {
  SSL* ssl = impl_->ssl.get();
  if (ssl == nullptr || !is_tls()) return {};
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl), X509_free);
  int hash = NID_undef;
  if (!certificate || X509_get_signature_info(certificate.get(), &hash, nullptr, nullptr, nullptr) != 1 ||
      hash == NID_undef)
    return {};
  const EVP_MD* md = hash == NID_md5 || hash == NID_sha1 ? EVP_sha256() : EVP_get_digestbynid(hash);
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (md == nullptr || X509_digest(certificate.get(), md, out, &size) != 1) return {};
  return {reinterpret_cast<const char*>(out), size};
}

}  // namespace mailroom::net
