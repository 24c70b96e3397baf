// A private key that signs, and the record that its owner publishes.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "support/secret.hpp"

struct evp_pkey_st;

namespace mailroom::deliver {

/// RSA of 1024 to 4096 bits (RFC 8301 §3.2; below 2048 old_and_weak() says so), or Ed25519 (RFC 8463).
/// Immutable and thread-safe; copies share the key.
class DkimKey {
 public:
  enum class Algorithm { rsa_sha256, ed25519_sha256 };

  /// PEM without a passphrase: PKCS#8, or PKCS#1 for RSA. Throws Failure (config) that says what is wrong and
  /// never shows the text.
  static DkimKey from_pem(const aoh::Secret& pem);

  Algorithm algorithm() const { return algorithm_; }
  std::string_view algorithm_name() const;  ///< as the tag a= has it
  int bits() const { return bits_; }
  bool weak() const;  ///< RSA below 2048 bits: some receivers do not count it

  /// The signature of canonical data whose SHA-256 the algorithms of DKIM sign, base64 on one line. Both
  /// algorithms are deterministic. Throws Failure (internal).
  std::string sign(std::string_view data) const;
  /// What p= says in the DNS record at SELECTOR._domainkey.DOMAIN (RFC 6376 §3.6.1, RFC 8463 §4.2).
  std::string public_text() const;
  /// The whole record: "v=DKIM1; k=...; p=...".
  std::string dns_record() const;

 private:
  std::shared_ptr<evp_pkey_st> key_;
  Algorithm algorithm_ = Algorithm::rsa_sha256;
  int bits_ = 0;
};

}  // namespace mailroom::deliver
