// The contract between pure protocol logic and the one place that does its I/O.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace mailroom {

/// What a protocol machine wants next.
struct Action {
  enum class Kind {
    event,      ///< something for the owner of the machine: ask the machine what (each machine has its own
                ///< accessor)
    read,       ///< give me bytes: feed(); if none come within `timeout`, fail(Errc::timeout)
    write,      ///< write `bytes` whole, then written()
    start_tls,  ///< do the TLS handshake, then tls_started(); bytes read before it were discarded by the
                ///< machine
    done,       ///< finished in good order; the connection may be used by another machine
    failed,     ///< finished in error: error(); is_fatal(error().code) says whether the connection survives
  };
  Kind kind = Kind::done;
  std::string_view bytes;  ///< write: borrowed until the next call on the machine
  bool secret = false;     ///< write: credentials; a transcript shows that there were some, not which
  std::chrono::milliseconds timeout{};  ///< read and write: time allowed from now
};

/// Protocol logic without I/O, clock or randomness. One owner, one thread at a time; not copied while it
/// runs. next() is called until it answers event, done or failed; it is idempotent until one of the answers
/// below is given.
class Machine {
 public:
  virtual ~Machine() = default;
  virtual Action next() = 0;
  /// Bytes as they came, in pieces of any size; copied as far as needed.
  virtual void feed(std::string_view bytes) = 0;
  virtual void written() = 0;
  virtual void tls_started() = 0;
  /// The transport failed (closed, timeout, tls, certificate, cancelled): the machine ends in `failed`, and
  /// knows what that means for the work in hand (a cut after the final dot is an unknown outcome, before it a
  /// plain failure).
  virtual void fail(Error cause) = 0;
  virtual const Error& error() const = 0;
};

}  // namespace mailroom
