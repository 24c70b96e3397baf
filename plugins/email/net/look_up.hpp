// How a host is found, for people who ask.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "net/stream.hpp"

namespace mailroom::net {

/// The addresses that open() (net/connect.hpp) would try. Runs on `executor`. Throws Failure: config, dns.
Task<std::vector<std::string>> look_up(Executor executor, Context context, Endpoint endpoint,
                                       std::chrono::milliseconds timeout);

}  // namespace mailroom::net
