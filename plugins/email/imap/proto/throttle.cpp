#include "imap/proto/throttle.hpp"

#include <algorithm>
#include <cstdint>

namespace mailroom::imap {

std::optional<std::chrono::milliseconds> asked_to_wait(std::string_view words) {
  constexpr std::chrono::milliseconds kMost{3'600'000};
  constexpr std::string_view kThrottled = "Request is throttled", kTime = "Suggested Backoff Time:";
  if (words.find(kThrottled) == std::string_view::npos) return std::nullopt;
  const std::size_t at = words.find(kTime);
  if (at == std::string_view::npos) return std::chrono::milliseconds(0);
  words.remove_prefix(at + kTime.size());
  while (words.starts_with(' ')) words.remove_prefix(1);
  std::int64_t n = 0;
  for (const char c : words) {
    if (c < '0' || c > '9') break;
    n = std::min<std::int64_t>(n * 10 + (c - '0'), kMost.count());
  }
  return std::chrono::milliseconds(n);
}

}  // namespace mailroom::imap
