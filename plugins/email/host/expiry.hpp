// Warns of server certificates that are about to expire.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "net/tls_details.hpp"

namespace mailroom::host {

/// Remembers for at most 10,000 servers when it last warned. Thread-safe; no clock of its own.
class Expiry {
 public:
  static constexpr std::int64_t kDays = 14;
  /// What to tell the operator of this handshake with `server` ("host:port"), if anything: fewer than 14 days
  /// are left, and 24 hours have gone since it was told last. `now_s`: Unix time.
  std::optional<std::string> seen(const std::string& server, const net::TlsDetails& details,
                                  std::int64_t now_s);

 private:
  std::mutex mutex_;
  std::map<std::string, std::int64_t> told_s_;  // when was a server last warned of?
};

}  // namespace mailroom::host
