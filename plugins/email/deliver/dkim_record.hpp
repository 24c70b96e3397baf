// The public key that a domain publishes for a selector (RFC 6376 §3.6.1, RFC 8463 §4). Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::deliver {

struct DkimRecord {
  std::string key_type = "rsa";     ///< k=
  std::string key;                  ///< p= decoded: SubjectPublicKeyInfo of RSA, 32 bytes of Ed25519
  int bits = 0;                     ///< of the key; 0 when revoked or of a kind that is not known
  bool revoked = false;             ///< p= is empty
  bool testing = false;             ///< t=y: receivers treat a failure as no signature
  bool strict = false;              ///< t=s: i= must be of the very domain
  std::vector<std::string> hashes;  ///< h=; empty: all
  std::vector<std::string>
      problems;  ///< why receivers will not accept or not like it, a sentence each; in our words

  /// Whether it is the key whose public part is `public_text` (DkimKey::public_text(), base64).
  bool is_key(std::string_view public_text) const;
};

/// Throws Failure(invalid) that names the tag: not a tag list, v= that is not DKIM1 or not first, no p=, p=
/// that is no base64 or no key, an unknown key type.
DkimRecord parse_dkim_record(std::string_view txt);

/// The name it stands at: "SELECTOR._domainkey.DOMAIN". Throws Failure(invalid) for a selector that cannot be
/// one.
std::string dkim_name(std::string_view selector, std::string_view domain);

}  // namespace mailroom::deliver
