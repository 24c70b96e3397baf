// A new token, asked for as the account's grant has it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "host/runtime.hpp"
#include "oauth/lease.hpp"
#include "oauth/proto/answers.hpp"

namespace mailroom::oauth {

inline constexpr std::chrono::seconds kWaitWithin{3};  ///< a longer Retry-After is not slept through

struct Asked {
  Answer answer;
  std::int64_t at_unix_ns = 0;  ///< when the request that was answered went out
};

/// Asks the token endpoint, three times at most where it is not available; a service account's assertion is
/// dated by the server's clock where it was refused and the clocks differ. `refresh`: the refresh token of a
/// grant that a person gave. `lease`: renewed before each request; may be null. Never throws Failure for a
/// connection that failed: that is an Answer of kind `later`. Throws Failure(config, refused) for what no
/// request can be made of, temporary when the lease was lost.
net::Task<Asked> ask(host::Runtime& runtime, net::Executor executor, const host::Account& account,
                     std::string bearer, std::string_view refresh, Lease* lease);

/// The secret field, empty when none is stored. Throws Failure(refused).
aoh::Secret secret_or_empty(const host::Services& services, const host::Account& account,
                            std::string_view field, std::string_view bearer);

}  // namespace mailroom::oauth
