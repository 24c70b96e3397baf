#include "net/pin.hpp"

#include <openssl/evp.h>
#include <openssl/x509.h>

namespace mailroom::net {
namespace {

constexpr std::string_view kScheme = "sha256/";
constexpr std::size_t kDigest = 32, kBase64 = 44;

std::string base64(const unsigned char* digest) {
  unsigned char out[kBase64 + 1];
  EVP_EncodeBlock(out, digest, kDigest);
  return std::string(reinterpret_cast<char*>(out), kBase64);
}

}  // namespace

std::string pin_of(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  unsigned char digest[kDigest];
  const bool good = size > 0 && EVP_Digest(der, static_cast<std::size_t>(size), digest, nullptr, EVP_sha256(),
                                           nullptr) == 1;
  OPENSSL_free(der);
  return good ? std::string(kScheme) + base64(digest) : std::string();
}

bool is_pin(std::string_view text) {
  if (!text.starts_with(kScheme) || text.size() != kScheme.size() + kBase64) return false;
  text.remove_prefix(kScheme.size());
  unsigned char bytes[kBase64 / 4 * 3];
  // 33 bytes, of which the last is the padding's zero; encoded again it must be the same text.
  return EVP_DecodeBlock(bytes, reinterpret_cast<const unsigned char*>(text.data()), kBase64) ==
             static_cast<int>(sizeof bytes) &&
         base64(bytes) == text;
}

}  // namespace mailroom::net
