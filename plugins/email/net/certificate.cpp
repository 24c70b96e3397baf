#include "net/certificate.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace mailroom::net {

Error certificate_error(long verify_result, const Endpoint& endpoint, const std::string& seen_pin) {
  Error e{Errc::certificate, {}, endpoint.where(), {}, {}};
  switch (verify_result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      e.what = "the server's certificate has expired";
      e.cure = "The server's operator must renew it; check this machine's clock as well.";
      break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      e.what = "the server's certificate is not valid yet";
      e.cure = "Check this machine's clock; else the server's operator must replace the certificate.";
      break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      e.what = "the server's certificate is for another host, not for " + printable(endpoint.host, 100);
      e.cure =
          "Set the host name that the certificate was issued for (its subjectAltName; the common name does "
          "not "
          "count), or have it reissued.";
      break;
    case X509_V_ERR_APPLICATION_VERIFICATION:
      e.what = "the server's key is not one of the pinned keys: it is " + seen_pin;
      e.cure =
          "If the server's key was changed on purpose, put this one into pinned_keys; if not, somebody "
          "between "
          "here and the server is interfering.";
      break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      e.what = "the server's certificate is not trusted";
      e.cure =
          endpoint.ca_file.empty()
              ? "If the server has a private CA, set ca_file to the CA's certificate; if its certificate "
                "is its own, set pinned_keys."
              : "The CA file " + printable(endpoint.ca_file, 200) +
                    " does not contain the issuer of the server's certificate.";
      break;
    default:
      e.what = std::string("the server's certificate was refused: ") +
               X509_verify_cert_error_string(verify_result);
      e.cure = "The server's operator must replace the certificate.";
  }
  return e;
}

Error tls_error(std::string_view doing, const Endpoint& endpoint) {
  Error e{Errc::tls, std::string(doing), endpoint.where(), {}, {}};
  const unsigned long code = ERR_peek_error();
  if (code != 0) {
    char text[200];
    ERR_error_string_n(code, text, sizeof text);
    const char* reason = ERR_reason_error_string(code);
    e.what += std::string(": ") + (reason != nullptr ? reason : text);
  }
  switch (ERR_GET_REASON(code)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      e.cure =
          "What answers there does not speak TLS from the first byte: use the server's TLS port, or set tls "
          "to starttls.";
      break;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      e.cure = "The server offers no TLS 1.2 or later: its operator must update it.";
      break;
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      e.cure = endpoint.client_certificate.empty()
                   ? "The server wants a client certificate: set client_certificate and client_key."
                   : "The server does not accept the client certificate " +
                         printable(endpoint.client_certificate, 200) + ".";
      break;
    default:
      break;
  }
  ERR_clear_error();
  return e;
}

}  // namespace mailroom::net
