#include "deliver/dkim_key.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cstdint>

#include "base/error.hpp"
#include "mime/codec.hpp"

namespace mailroom::deliver {
namespace {

constexpr int kLeastBits = 1024, kGoodBits = 2048, kMostBits = 4096;
constexpr std::size_t kMostPem = 16 << 10;

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Digest = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

// Without this OpenSSL asks the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Failure broken(const char* why, const char* cure) {
  ERR_clear_error();
  return {Errc::config, std::string("the DKIM key cannot be used: ") + why, "", cure};
}

Failure failed() {
  ERR_clear_error();
  return {Errc::internal, "the DKIM signature could not be made"};
}

std::string text_of(const unsigned char* data, std::size_t size) {
  return mime::encode_base64_line({reinterpret_cast<const char*>(data), size});
}

}  // namespace

DkimKey DkimKey::from_pem(const aoh::Secret& pem) {
  const std::string_view text = pem.reveal();
  if (text.size() > kMostPem) throw broken("it is larger than 16 KB", "Give one private key in PEM");
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
  EVP_PKEY* read = bio ? PEM_read_bio_PrivateKey(bio.get(), nullptr, &no_passphrase, nullptr) : nullptr;
  if (!read)
    throw broken("it is no private key in PEM, or it has a passphrase",
                 "Make one with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048");
  DkimKey key;
  key.key_ = {read, &EVP_PKEY_free};
  key.bits_ = EVP_PKEY_get_bits(read);
  switch (EVP_PKEY_get_base_id(read)) {
    case EVP_PKEY_ED25519:
      key.algorithm_ = Algorithm::ed25519_sha256;
      break;
    case EVP_PKEY_RSA:
      key.algorithm_ = Algorithm::rsa_sha256;
      if (key.bits_ < kLeastBits || key.bits_ > kMostBits)
        throw broken("an RSA key for DKIM has 1024 to 4096 bits", "2048 bits are what receivers expect");
      break;
    default:
      throw broken("it is neither RSA nor Ed25519", "DKIM knows no other (RFC 6376, RFC 8463)");
  }
  return key;
}

std::string_view DkimKey::algorithm_name() const {
  return algorithm_ == Algorithm::rsa_sha256 ? "rsa-sha256" : "ed25519-sha256";
}

bool DkimKey::weak() const { return algorithm_ == Algorithm::rsa_sha256 && bits_ < kGoodBits; }

std::string DkimKey::sign(std::string_view data) const {
  const Digest context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (!context) throw failed();
  // Ed25519 signs the hash as if it were the message (RFC 8463 §3); RSA hashes by itself (PKCS#1 v1.5).
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  const EVP_MD* digest = EVP_sha256();
  if (algorithm_ == Algorithm::ed25519_sha256) {
    unsigned size = 0;
    if (EVP_Digest(data.data(), data.size(), hash.data(), &size, digest, nullptr) != 1) throw failed();
    data = {reinterpret_cast<const char*>(hash.data()), size};
    digest = nullptr;
  }
  std::array<unsigned char, kMostBits / 8> out{};
  std::size_t size = out.size();
  if (EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), out.data(), &size, bytes_of(data), data.size()) != 1)
    throw failed();
  return text_of(out.data(), size);
}

std::string DkimKey::public_text() const {
  if (algorithm_ == Algorithm::ed25519_sha256) {
    std::array<unsigned char, 32> raw{};
    std::size_t size = raw.size();
    if (EVP_PKEY_get_raw_public_key(key_.get(), raw.data(), &size) != 1) throw failed();
    return text_of(raw.data(), size);
  }
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key_.get(), &der);
  if (size <= 0) throw failed();
  std::string out = text_of(der, static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

std::string DkimKey::dns_record() const {
  return std::string("v=DKIM1; k=") + (algorithm_ == Algorithm::rsa_sha256 ? "rsa" : "ed25519") +
         "; p=" + public_text();
}

}  // namespace mailroom::deliver
