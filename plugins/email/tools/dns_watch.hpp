// A resolver for the time of one call.
#pragma once
#include <memory>

#include "aoh/sdk/call.hpp"
#include "host/runtime.hpp"
#include "net/dns.hpp"

namespace mailroom::tools {

/// Cancels the look-ups when the call is given up or its time is over.
struct WatchedDns {
  std::shared_ptr<net::DnsResolver> resolver;
  host::Runtime& runtime;
  net::Clock::TimerId timer = 0;

  WatchedDns(host::Runtime& r, aoh::Call& call, net::DnsOptions options);
  ~WatchedDns();
  WatchedDns(const WatchedDns&) = delete;
  WatchedDns& operator=(const WatchedDns&) = delete;
};

}  // namespace mailroom::tools
