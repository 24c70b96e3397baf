// How a turn of a session, or one step of it, ended.
#pragma once
#include <cstdint>
#include <string>

namespace aoh::host {

enum class TurnEnd {
  done,
  later,      ///< a temporary failure: again after delay_ns or by the schedule
  failed,     ///< permanent; a person may retry
  uncertain,  ///< a step whose effect is unknown: never repeated by itself
  stopped,    ///< the host is shutting down: the step runs again at the next start
};

struct TurnResult {
  TurnEnd end = TurnEnd::done;
  std::string error;
  std::int64_t delay_ns = 0;  ///< at least this long until the next attempt
};

}  // namespace aoh::host
