// A TLS server in the test's own process, with certificates made on the spot.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <thread>

struct ssl_st;
struct ssl_ctx_st;

namespace mailroom::testing {

/// Key and certificate in PEM, signed by `issuer`, or by itself without one.
struct Certificate {
  std::string key, certificate;
};
struct CertificateOptions {
  std::string name = "localhost";
  std::string san = "DNS:localhost";  ///< empty: none
  std::string eku;                    ///< extended key usage: "clientAuth"; empty: none
  bool ca = false;
  long begins_s = -3600;  ///< from now
  long ends_s = 3600;
};
Certificate make_certificate(const CertificateOptions& options, const Certificate* issuer = nullptr);

/// Writes `text` to a file below `dir` and returns its path.
std::string write_file(const std::string& dir, const std::string& name, const std::string& text);

/// Accepts connections one after the other on 127.0.0.1 and gives each to `serve`, in a thread of its own.
class TlsServer {
 public:
  /// `serve` gets the handshaken connection; with `plain`, no handshake is done and it gets null and the
  /// descriptor.
  using Serve = std::function<void(ssl_st* tls, int fd)>;
  /// `configure`: more settings of the server's context.
  TlsServer(const Certificate& certificate, Serve serve, bool plain = false, int max_version = 0,
            const std::function<void(ssl_ctx_st*)>& configure = {});
  ~TlsServer();
  unsigned short port() const { return port_; }

 private:
  int listener_ = -1;
  unsigned short port_ = 0;
  bool plain_;
  std::shared_ptr<ssl_ctx_st> context_;
  Serve serve_;
  std::thread thread_;
};

}  // namespace mailroom::testing
