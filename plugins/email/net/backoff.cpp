#include "net/backoff.hpp"

namespace mailroom::net {

std::chrono::milliseconds Backoff::delay(unsigned attempt, std::uint64_t random) const {
  std::chrono::milliseconds whole = first;
  for (unsigned i = 0; i < attempt && whole < most; ++i) whole *= 2;
  if (whole > most) whole = most;
  const auto half = static_cast<std::uint64_t>(whole.count() / 2);
  return std::chrono::milliseconds(whole.count() - static_cast<std::int64_t>(random % (half + 1)));
}

}  // namespace mailroom::net
