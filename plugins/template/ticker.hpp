// A trigger source that ticks: the pattern of a source with a cursor, one batch in flight, and a clean end.
#pragma once
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "aoh/sdk.hpp"

namespace weather {

/// Emits {"tick": {"number"}} every `every_ms` for each blueprint; the cursor is the number of the last tick
/// that the host stored, so that after a restart counting goes on. Timers are the host's; no thread of its
/// own. All methods [any-thread].
class Ticker : public std::enable_shared_from_this<Ticker> {
 public:
  /// source: source_json of trigger_start. Throws StatusError when source or cursor are not usable.
  Ticker(aoh::Clock clock, const aoh::Json& source, std::string_view cursor,
         std::shared_ptr<aoh::Trigger> trigger);

  void start();
  void configure(const aoh::Json& source);
  /// Asks it to end; stopped() follows, at once or when the host has settled the batch in flight.
  void stop();

 private:
  void tick();
  void schedule(std::unique_lock<std::mutex>& lock);
  void settled(aoh_status status, std::int64_t number);

  const aoh::Clock clock_;
  const std::shared_ptr<aoh::Trigger> trigger_;
  std::mutex m_;  // guards what follows
  std::vector<std::string> blueprints_;
  std::int64_t every_ns_ = 0;
  std::int64_t number_ = 0;  // last tick that the host has stored
  std::uint64_t timer_ = 0;  // the one that is scheduled, 0 for none
  bool emitting_ = false;    // a batch is with the host
  bool stopping_ = false;
};

}  // namespace weather
