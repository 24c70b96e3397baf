// The one interpreter of protocol machines: every read and write of a dialogue happens here.
#pragma once
#include <cstdint>

#include "base/machine.hpp"
#include "net/stream.hpp"

namespace mailroom::net {

struct DriveOptions {
  std::int64_t deadline_ns =
      INT64_MAX;  ///< end of all reads and writes together, on the stream's clock; passing it is a time-out
  bool interruptible =
      false;  ///< a Stream::interrupt() ends a waiting read in good order: drive() then answers Kind::read
  std::int64_t pause_ns = INT64_MAX;  ///< so does this point in time on the stream's clock
};

/// Runs `machine` on `stream` until it answers event, done or failed, and returns which (or `read`, see
/// above). Transport failures go into the machine by fail() and come out as its `failed`. Writes marked as
/// secret stay out of the transcript. Does not throw but for what the machine itself throws.
Task<Action::Kind> drive(Stream& stream, Machine& machine, DriveOptions options = {});

/// Feeds `machine` what has come by now, without waiting. False when the transport has failed, and with it
/// the machine. For the point before a step that cannot be taken back.
bool take_in(Stream& stream, Machine& machine);

}  // namespace mailroom::net
