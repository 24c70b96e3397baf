// How fast mail may leave: a pace for each credential, one for each recipient domain, and a warm-up plan for
// a young sender. Pure: time comes in, state goes out.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/json.hpp"

namespace mailroom::policy {

/// `messages` in each `seconds`, evenly; up to `burst` of them at once after a rest. All at least 1.
struct Pace {
  std::int64_t messages = 60, seconds = 60, burst = 10;
};

/// One token bucket, kept as the time at which it will be full (the generic cell rate algorithm): one number
/// to store.
class Bucket {
 public:
  /// When the next message may leave, Unix milliseconds; `now_ms` when at once. `pace` as given to take().
  std::int64_t earliest(const Pace& pace, std::int64_t now_ms) const;
  /// One message leaves at `now_ms`.
  void take(const Pace& pace, std::int64_t now_ms);
  std::int64_t full_at_us() const { return full_at_us_; }
  static Bucket from(std::int64_t full_at_us);
  /// True where the bucket knows nothing that a new one would not.
  bool idle(std::int64_t now_ms) const { return full_at_us_ <= now_ms * 1000; }

 private:
  std::int64_t full_at_us(const Pace& pace, std::int64_t now_ms) const;
  std::int64_t full_at_us_ = 0;
};

struct CadenceLimits {
  Pace credential{60, 60, 10};
  Pace domain{20, 60, 5};               ///< of each recipient domain
  std::map<std::string, Pace> domains;  ///< overrides, by domain in lower case
  std::int64_t per_day = 0;             ///< most messages a day (UTC) of the credential; 0: no limit
  std::int64_t recipients_per_day = 0;  ///< most recipients of all of them; 0: no limit
  std::vector<std::int64_t> warm_up;    ///< most messages on day 1, 2, ... since `warm_up_from`; none after
  std::int64_t warm_up_from_s = 0;      ///< Unix time, a day is 24 hours from there
};

/// One message as the cadence sees it: the domains that it goes to, each once, and how many people.
struct Load {
  std::vector<std::string> domains;
  std::int64_t recipients = 1;
};

/// The cadence of one credential. Belongs to one thread at a time.
class Cadence {
 public:
  explicit Cadence(CadenceLimits limits) : limits_(std::move(limits)) {}

  struct Wait {
    std::int64_t until_ms = 0;  ///< Unix milliseconds; now or before: at once
    std::string why;  ///< "credential", "domain supplier.example", "a day's limit", "warm-up", "asked to slow
                      ///< down by ..."
  };
  /// When the message may leave, by the strictest of the limits. It counts once against the credential,
  /// however many domains it goes to. One that alone has more recipients than a day allows goes as the first
  /// of its day: whether it may is the server's to say, and waiting would not help.
  Wait earliest(const Load& load, std::int64_t now_ms) const;
  Wait earliest(std::string_view domain, std::int64_t now_ms) const {
    return earliest(Load{{std::string(domain)}, 1}, now_ms);
  }
  /// It left.
  void sent(const Load& load, std::int64_t now_ms);
  void sent(std::string_view domain, std::int64_t now_ms) { sent(Load{{std::string(domain)}, 1}, now_ms); }
  /// A server of `domain` (or of the credential, when empty) answered "later" (421, 4.7.x): nothing to it for
  /// 1 minute, twice as long each time in a row, 1 hour at most.
  void slow_down(std::string_view domain, std::int64_t now_ms);
  /// It took a message: the next slow_down() begins anew.
  void went_well(std::string_view domain);

  /// For the store; what is idle is left out, so it stays as small as what is under way.
  aoh::Json state(std::int64_t now_ms) const;
  /// Takes back what state() gave; anything else in it is ignored.
  void restore(const aoh::Json& state);

 private:
  struct Lane {
    Bucket bucket;
    std::int64_t blocked_until_ms = 0;
    int refusals = 0;  // in a row
  };
  const Pace& pace_of(const std::string& domain) const;
  std::string lane_of(std::string_view domain) const;
  std::optional<std::int64_t> warm_up_cap(std::int64_t now_ms, std::int64_t* day) const;

  CadenceLimits limits_;
  Lane own_;
  std::map<std::string, Lane> lanes_;  // by domain in lower case; "*": those for which there was no room
  std::int64_t day_ = -1, sent_on_day_ = 0;    // of the warm-up
  std::int64_t date_ = -1, sent_on_date_ = 0;  // of the calendar, UTC
  std::int64_t recipients_on_date_ = 0;
  std::int64_t next_sweep_ms_ = 0;  // looking for idle lanes costs, so not at every message
};

}  // namespace mailroom::policy
