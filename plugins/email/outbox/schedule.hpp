// When the outbox tries again, and when it gives up (RFC 5321 §4.5.4.1). Pure.
#pragma once
#include <cstdint>

#include "base/error.hpp"
#include "outbox/record.hpp"

namespace mailroom::outbox {

inline constexpr std::int64_t kSecond = 1'000'000'000;
/// A message that could not be handed over for so long is given up: `failed`, with the last words of the
/// server.
inline constexpr std::int64_t kGiveUp = 2 * 24 * 3600 * kSecond;
/// The furthest that send_at may lie ahead.
inline constexpr std::int64_t kFurthest = 366LL * 24 * 3600 * kSecond;

/// Nanoseconds until the attempt after `attempts` failed ones: 1, 5, 15, 30 minutes, 1, 2, then every 4
/// hours, up to a tenth more by `random`, so that what failed together does not come back together.
std::int64_t retry_delay(std::uint32_t attempts, std::uint64_t random);

/// Whether the record waits by a clock that was set back since it was written: such a one is due at once. A
/// send_at is a time that somebody wants, whatever the clock was.
bool waits_by_old_clock(const Record& record, std::int64_t now_unix_ns);

/// What a failed attempt leaves: queued for the next one when the cause is temporary and there is time left,
/// else failed. Only for a record whose outcome is known (nothing uncertain in it).
void after_failure(Record& record, Errc cause, std::int64_t now_unix_ns, std::uint64_t random);

}  // namespace mailroom::outbox
