// The host's own trigger source, `cron`: to the supervisor a source like any module's, so that its ticks,
// what was left out and its cursor go into the store in one transaction, under back-pressure, with restarts,
// and each tick under a key of its own.
#pragma once
#include <cstdint>

#include "services/clock.hpp"
#include "triggers/supervisor.hpp"

namespace aoh::host {

constexpr std::string_view kCronSource = "cron";

/// One run of the source, for one blueprint. The wall is looked at when the next tick is due and once a
/// minute, for it may be set or the machine may sleep. Ticks that were noticed in time wait in memory, 1000
/// at most, while the store is slow; beyond that they count as missed. `clock` outlives it.
SourceModule cron_source(Clock& clock);

/// What templates see as `trigger.cron` (and `cron`): {"scheduled", "local", "timezone", "fired", "missed"};
/// times are RFC 3339.
Json tick_payload(const Zone& zone, std::int64_t scheduled_ns, std::int64_t fired_ns, std::int64_t missed);

}  // namespace aoh::host
