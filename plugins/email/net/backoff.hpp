// How long to wait before the next attempt. Pure.
#pragma once
#include <chrono>
#include <cstdint>

namespace mailroom::net {

/// Exponential backoff with jitter: doubles from `first` up to `most`; each delay is between half and the
/// whole of it, so that a thousand watchers cut off together do not come back together.
struct Backoff {
  std::chrono::milliseconds first{1'000};
  std::chrono::milliseconds most{5 * 60'000};

  /// `attempt` counts failures in a row from 0. `random` is any uniformly distributed number.
  std::chrono::milliseconds delay(unsigned attempt, std::uint64_t random) const;
};

}  // namespace mailroom::net
