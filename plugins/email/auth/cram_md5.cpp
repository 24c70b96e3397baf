// CRAM-MD5 (RFC 2195): user, space, HMAC-MD5 of the challenge in hex. A listener can guess at the password at
// leisure, and the server has to keep it in the clear: used only where the credential names it.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "auth/mechanism.hpp"

namespace mailroom::auth {
namespace {

class CramMd5 final : public Mechanism {
 public:
  explicit CramMd5(const Credentials& c) : credentials_(c.clone()) {}
  std::string_view name() const override { return "CRAM-MD5"; }
  bool judged() const override { return answered_; }
  std::optional<aoh::Secret> initial() override { return std::nullopt; }

  aoh::Secret step(std::string_view challenge) override {
    if (answered_ || challenge.empty())
      throw Failure(Errc::protocol, "the server sent a challenge that CRAM-MD5 does not have");
    answered_ = true;
    const std::string_view password = credentials_.password.reveal();
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (!HMAC(EVP_md5(), password.data(), static_cast<int>(password.size()),
              reinterpret_cast<const unsigned char*>(challenge.data()), challenge.size(), digest, &size))
      throw Failure(Errc::unsupported, "this machine's OpenSSL has no MD5, which CRAM-MD5 needs", {},
                    "Take CRAM-MD5 out of the credential's sasl");
    std::string m = credentials_.user + ' ';
    for (unsigned i = 0; i < size; ++i) {
      m += "0123456789abcdef"[digest[i] >> 4];
      m += "0123456789abcdef"[digest[i] & 15];
    }
    return aoh::Secret(std::move(m));
  }

 private:
  Credentials credentials_;
  bool answered_ = false;  // has the one challenge been answered?
};

}  // namespace

std::unique_ptr<Mechanism> cram_md5(const Credentials& credentials) {
  return std::make_unique<CramMd5>(credentials);
}

}  // namespace mailroom::auth
