// The pace at which each account sends, kept over restarts.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "host/account.hpp"
#include "host/services.hpp"
#include "policy/cadence.hpp"

namespace mailroom::outbox {

/// Thread-safe. One for the instance: two would each allow the whole pace.
class Pacer {
 public:
  explicit Pacer(const host::Services& services) : services_(services) {}

  struct Answer {
    std::int64_t wait_ms = 0;  ///< 0: a place was taken, send now
    std::string why;           ///< which limit asks to wait
  };
  /// Takes a place for one message to `recipients`, or says how long to wait before asking again.
  Answer take(const host::Account& account, const std::vector<std::string>& recipients);
  /// The server asked to slow down: the whole account, or mail to one domain.
  void slow_down(const host::Account& account, std::string_view domain);
  void went_well(const host::Account& account, const std::vector<std::string>& recipients);
  /// What is to be stored together with the message's record.
  aoh::State::Put state(const host::Account& account);

 private:
  policy::Cadence& of(const host::Account& account);
  std::int64_t now_ms() const { return services_.clock.wall_ns() / 1'000'000; }

  host::Services services_;
  std::mutex mutex_;
  struct Known {
    std::string limits;  // as text: a changed record begins with its new limits
    policy::Cadence cadence;
  };
  std::map<std::string, Known> known_;  // by credential
};

/// The domain of an address, lower case; empty without @.
std::string domain_of(std::string_view address);

}  // namespace mailroom::outbox
