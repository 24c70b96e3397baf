// What a TLS handshake came to.
#pragma once
#include <cstdint>
#include <string>

namespace mailroom::net {

struct TlsDetails {
  std::string version;                  ///< "TLSv1.3"
  std::string cipher;                   ///< "TLS_AES_256_GCM_SHA384"
  std::int64_t certificate_ends_s = 0;  ///< Unix time at which the server's certificate expires
  std::string key_pin;                  ///< the server's key as `pinned_keys` names it
  /// Whole days from `now_s` (Unix time) until then; negative behind it.
  std::int64_t days_left(std::int64_t now_s) const {
    const std::int64_t left = certificate_ends_s - now_s;
    return left / 86'400 - (left % 86'400 < 0 ? 1 : 0);
  }
};

}  // namespace mailroom::net
