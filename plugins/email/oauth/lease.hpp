// One renewal at a time among the processes that share a host's state: a server takes a refresh token that
// comes twice for a stolen one, and revokes all of its grant.
#pragma once
#include <cstdint>
#include <string>

#include "host/services.hpp"

namespace mailroom::oauth {

/// Longer than one request can take. Who dies while holding it holds the others up for so long.
inline constexpr std::int64_t kLeaseNs = 15'000'000'000;

class Lease {
 public:
  Lease(const host::Services& services, const std::string& credential_id)
      : services_(services), key_("oauth-lease/" + credential_id) {}
  ~Lease() { release(); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  /// Takes it, or takes it anew for another kLeaseNs. False: somebody else has it. Throws aoh::StatusError
  /// where nothing can be written: then nothing should be renewed either.
  bool take();
  void release() noexcept;

 private:
  const host::Services& services_;
  const std::string key_;
  std::string holder_;  // empty: not ours
};

}  // namespace mailroom::oauth
