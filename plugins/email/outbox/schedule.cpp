#include "outbox/schedule.hpp"

#include <algorithm>
#include <array>

namespace mailroom::outbox {

std::int64_t retry_delay(std::uint32_t attempts, std::uint64_t random) {
  constexpr std::array<std::int64_t, 7> kMinutes{1, 5, 15, 30, 60, 120, 240};
  const std::size_t i = std::min<std::size_t>(attempts > 0 ? attempts - 1 : 0, kMinutes.size() - 1);
  const std::int64_t whole = kMinutes[i] * 60 * kSecond;
  return whole + static_cast<std::int64_t>(random % static_cast<std::uint64_t>(whole / 10));
}

bool waits_by_old_clock(const Record& r, std::int64_t now) {
  return r.send_at_unix_ns <= now && r.next_attempt_unix_ns > now &&
         (r.updated_unix_ns > now + kSecond || r.next_attempt_unix_ns > now + kGiveUp);
}

void after_failure(Record& record, Errc cause, std::int64_t now, std::uint64_t random) {
  const std::int64_t since = std::max(record.created_unix_ns, record.send_at_unix_ns);
  const std::int64_t next = now + retry_delay(record.attempts, random);
  if (!is_temporary(cause) || next - since > kGiveUp) {
    record.state = State::failed;
    record.why_queued.clear();
    return;
  }
  record.state = State::queued;
  record.next_attempt_unix_ns = next;
  record.why_queued = "temporary";
}

}  // namespace mailroom::outbox
