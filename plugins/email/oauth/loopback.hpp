// The listener that a browser comes back to (RFC 8252 §7.3): 127.0.0.1 only, for one sign-in.
#pragma once
#include <cstdint>
#include <string>

#include "host/runtime.hpp"
#include "oauth/proto/redirect.hpp"

namespace mailroom::oauth {

/// Listens from its making on. At most 16 connections at once, each for at most 10 s and 16 KiB: a browser
/// opens some that it never uses. One more closes the oldest, so that nobody who keeps them all keeps the
/// browser out.
class Loopback {
 public:
  /// `port` 0: a free one. Throws Failure(connect) when it is taken.
  explicit Loopback(std::uint16_t port);
  ~Loopback();
  Loopback(const Loopback&) = delete;
  Loopback& operator=(const Loopback&) = delete;
  std::uint16_t port() const { return port_; }

  /// Waits for the way back; every request before it gets a plain page. Throws Failure(cancelled, timeout)
  /// when the job ends. `executor`: the calling coroutine's strand. Once.
  net::Task<Redirect> wait(net::Executor executor, net::Clock& clock, std::shared_ptr<host::Job> job,
                           std::string path, std::string state);

 private:
  int fd_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace mailroom::oauth
