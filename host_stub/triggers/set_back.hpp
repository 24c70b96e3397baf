// A wall clock that was set back: what waits for a time by the old one would wait for as long as it had been
// wrong.
#pragma once
#include <cstdint>

#include "sessions/ports.hpp"
#include "sessions/sql.hpp"

namespace aoh::host {

/// Sees the wall clock go back, also over a restart (by the newest time in the store), and makes due at once
/// what waits: an attempt too early costs little, a debounce is cut short. A clock set back by less than a
/// second is left alone. One thread at a time.
class SetBack {
 public:
  /// Both must outlive this.
  SetBack(const Sql& sql, const Ports& ports) : sql_(sql), ports_(ports) {}
  /// True where the clock went back since the last look. Throws what the store throws; looks again then.
  bool look();

 private:
  const Sql& sql_;
  const Ports& ports_;
  std::int64_t latest_ns_ = -1;  // -1: not asked yet
};

}  // namespace aoh::host
