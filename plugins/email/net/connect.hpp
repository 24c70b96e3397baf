// From an Endpoint to a Stream: addresses, attempts, errors with cause and cure.
#pragma once
#include <chrono>
#include <memory>

#include "net/stream.hpp"

namespace mailroom::net {

struct ConnectTimeouts {
  std::chrono::milliseconds resolve{15'000};
  std::chrono::milliseconds attempt{10'000};  ///< one address
  std::chrono::milliseconds all{30'000};      ///< all addresses together
  std::chrono::milliseconds handshake{20'000};
};

/// Connects to one of the host's addresses, tried in the resolver's order (at most 8); under
/// TlsMode::implicit does the handshake. Runs on `executor`, which must be the strand of the calling
/// coroutine. Throws Failure: config, dns, connect, timeout, tls, certificate; each with where and cure.
Task<std::unique_ptr<Stream>> open(Executor executor, Context context, Endpoint endpoint,
                                   TraceSink trace = {}, ConnectTimeouts timeouts = {});

}  // namespace mailroom::net
