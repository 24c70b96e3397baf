#include "net/tls_session.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "net/bio.hpp"
#include "net/pin.hpp"

namespace mailroom::net {
namespace {

/// Without it OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

/// The client's certificate, with the chain that the file may hold, and its key from memory.
void present(SSL* ssl, const Endpoint& e) {
  const auto refuse = [&](const char* what, std::string where, const char* cure) {
    ERR_clear_error();
    throw Failure(Errc::config, what, std::move(where), cure);
  };
  if (SSL_use_certificate_chain_file(ssl, e.client_certificate.c_str()) != 1)
    refuse("the client certificate's file holds no readable PEM certificate",
           printable(e.client_certificate, 200),
           "Check its path, its permissions and that it is in PEM format.");
  const std::string_view pem = e.client_key ? e.client_key->reveal() : std::string_view{};
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* key = bio != nullptr ? PEM_read_bio_PrivateKey(bio, nullptr, no_passphrase, nullptr) : nullptr;
  BIO_free(bio);
  const bool readable = key != nullptr;
  const bool fits = readable && SSL_use_PrivateKey(ssl, key) == 1 && SSL_check_private_key(ssl) == 1;
  EVP_PKEY_free(key);
  if (!readable)
    refuse("client_key is no PEM private key without a passphrase", e.where(),
           "Store it again with host-stub credential add --secret-file client_key=FILE.");
  if (!fits)
    refuse("client_key is not the key of the client certificate", e.where(),
           "Store the key that belongs to client_certificate.");
}

}  // namespace

std::shared_ptr<ssl_st> make_tls(TlsContexts& contexts, TlsCheck& check, int fd) {
  const Endpoint& e = *check.endpoint;
  const std::shared_ptr<SSL_CTX> context = contexts.get(e.ca_file);
  std::shared_ptr<SSL> made(SSL_new(context.get()), SSL_free);
  BIO* bio = make_socket_bio(fd);
  if (!made || bio == nullptr) {
    BIO_free(bio);
    throw Failure(Errc::internal, "OpenSSL is out of memory", e.where());
  }
  SSL* ssl = made.get();
  SSL_set_bio(ssl, bio, bio);
  SSL_set_app_data(ssl, &check);
  const std::string host = e.dns_name();
  X509_VERIFY_PARAM* param = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(param,
                                  X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  if (X509_VERIFY_PARAM_set1_ip_asc(param, host.c_str()) != 1 &&
      (X509_VERIFY_PARAM_set1_host(param, host.c_str(), host.size()) != 1 ||
       SSL_set_tlsext_host_name(ssl, host.c_str()) != 1))
    throw Failure(Errc::config, "the host name cannot be used for TLS", e.where());
  if (!e.client_certificate.empty()) present(ssl, e);
  SSL_set_connect_state(ssl);
  ERR_clear_error();
  return made;
}

TlsDetails details_of(ssl_st* tls) {
  TlsDetails out;
  out.version = SSL_get_version(tls);
  out.cipher = SSL_get_cipher_name(tls);
  if (X509* own = SSL_get0_peer_certificate(tls); own != nullptr) {
    std::tm ends{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(own), &ends) == 1) out.certificate_ends_s = timegm(&ends);
    out.key_pin = pin_of(own);
  }
  return out;
}

}  // namespace mailroom::net
