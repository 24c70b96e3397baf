#include "net/tls_server.hpp"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <stdexcept>

namespace mailroom::testing {
namespace {

template <typename T, typename Write>
std::string pem(Write write, T object) {
  BIO* bio = BIO_new(BIO_s_mem());
  write(bio, object);
  char* data = nullptr;
  const long n = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(n));
  BIO_free(bio);
  return out;
}

EVP_PKEY* read_key(const std::string& text) {
  BIO* bio = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return key;
}

X509* read_certificate(const std::string& text) {
  BIO* bio = BIO_new_mem_buf(text.data(), static_cast<int>(text.size()));
  X509* x = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  BIO_free(bio);
  return x;
}

void extend(X509* x, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, x, nullptr, nullptr, 0);
  X509_EXTENSION* e = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (e == nullptr) throw std::runtime_error("certificate extension");
  X509_add_ext(x, e, -1);
  X509_EXTENSION_free(e);
}

}  // namespace

Certificate make_certificate(const CertificateOptions& options, const Certificate* issuer) {
  static long serial = 1;
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* x = X509_new();
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(x), options.begins_s);
  X509_gmtime_adj(X509_getm_notAfter(x), options.ends_s);
  X509_set_pubkey(x, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(options.name.c_str()), -1, -1, 0);
  X509* signer = issuer != nullptr ? read_certificate(issuer->certificate) : x;
  EVP_PKEY* signing = issuer != nullptr ? read_key(issuer->key) : key;
  X509_set_issuer_name(x, X509_get_subject_name(signer));
  if (options.ca) extend(x, signer, NID_basic_constraints, "critical,CA:TRUE");
  if (!options.eku.empty()) extend(x, signer, NID_ext_key_usage, options.eku.c_str());
  if (!options.san.empty()) extend(x, signer, NID_subject_alt_name, options.san.c_str());
  X509_sign(x, signing, EVP_sha256());
  Certificate out{
      pem([](BIO* b, EVP_PKEY* k) { PEM_write_bio_PrivateKey(b, k, nullptr, nullptr, 0, nullptr, nullptr); },
          key),
      pem([](BIO* b, X509* c) { PEM_write_bio_X509(b, c); }, x)};
  if (issuer != nullptr) {
    X509_free(signer);
    EVP_PKEY_free(signing);
  }
  X509_free(x);
  EVP_PKEY_free(key);
  return out;
}

std::string write_file(const std::string& dir, const std::string& name, const std::string& text) {
  std::ofstream(dir + "/" + name) << text;
  return dir + "/" + name;
}

TlsServer::TlsServer(const Certificate& certificate, Serve serve, bool plain, int max_version,
                     const std::function<void(ssl_ctx_st*)>& configure)
    : plain_(plain), serve_(std::move(serve)) {
  context_.reset(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (max_version != 0) {
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), max_version);
  }
  if (!plain) {
    X509* x = read_certificate(certificate.certificate);
    EVP_PKEY* key = read_key(certificate.key);
    SSL_CTX_use_certificate(context_.get(), x);
    SSL_CTX_use_PrivateKey(context_.get(), key);
    X509_free(x);
    EVP_PKEY_free(key);
  }
  if (configure) configure(context_.get());
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 8) != 0)
    throw std::runtime_error("the test's server cannot listen");
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] {
    sigset_t pipe;  // the server writes through OpenSSL's own BIO, which may raise SIGPIPE: in this thread it
                    // is blocked
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    for (;;) {
      const int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      timeval limit{10, 0};
      setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
      if (plain_) {
        serve_(nullptr, fd);
      } else {
        SSL* tls = SSL_new(context_.get());
        SSL_set_fd(tls, fd);
        if (SSL_accept(tls) == 1) serve_(tls, fd);
        SSL_free(tls);
      }
      close(fd);
    }
  });
}

TlsServer::~TlsServer() {
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
}

}  // namespace mailroom::testing
