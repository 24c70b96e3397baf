// Dates as people give them in a search.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace mailroom::tools {

/// "2026-11-20": the beginning of that day in `zone`; "2026-11-20T14:00:00+01:00" (RFC 3339): that instant.
/// Unix seconds. `zone`: a name of the time zone database ("Europe/Berlin"), an offset ("+05:30"), or "" for
/// the zone of the machine that the host runs on. Years 1970 to 9999. Throws Failure(invalid) that names
/// `field`, or time_zone.
std::int64_t instant_of(std::string_view text, std::string_view zone, std::string_view field);

/// "2026-11-20T13:00:00Z".
std::string utc_seconds(std::int64_t unix_seconds);

}  // namespace mailroom::tools
