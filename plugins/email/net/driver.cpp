#include "net/driver.hpp"

#include <boost/system/system_error.hpp>

namespace mailroom::net {
namespace {

/// One read without waiting, outside the coroutine so that its frame stays small: the buffer lives on the
/// stack of this call only.
std::size_t pump(Stream& stream, Machine& machine) {
  char buffer[16 * 1024];
  const std::size_t n = stream.try_read(buffer);
  if (n == 0) return 0;
  if (Transcript* t = stream.transcript()) t->server({buffer, n});
  machine.feed({buffer, n});
  return n;
}

std::chrono::milliseconds until(std::int64_t at_ns, const Stream& stream) {
  if (at_ns == INT64_MAX) return Stream::kForever;
  const std::int64_t left = at_ns - stream.clock().now_ns();
  return std::chrono::milliseconds(left <= 0 ? 0 : (left + 999'999) / 1'000'000);
}

std::chrono::milliseconds capped(std::chrono::milliseconds timeout, const Stream& stream,
                                 const DriveOptions& options) {
  return std::min(timeout, until(options.deadline_ns, stream));
}

Error timed_out(const Stream& stream) {
  return {
      Errc::timeout, "the server did not answer in time", stream.endpoint().where(), {}, "Try again later."};
}

/// One step of the machine that needs the stream. False: an interrupt ended the read.
Task<bool> step(Stream& stream, Machine& machine, const Action& action, const DriveOptions& options) {
  switch (action.kind) {
    case Action::Kind::read: {
      if (pump(stream, machine) > 0) break;
      const std::chrono::milliseconds limit = capped(action.timeout, stream, options);
      const std::chrono::milliseconds pause = until(options.pause_ns, stream);
      const Stream::Wake wake = co_await stream.wait_readable(std::min(limit, pause), options.interruptible);
      if (wake == Stream::Wake::interrupted || (wake == Stream::Wake::timeout && pause < limit))
        co_return false;
      if (wake == Stream::Wake::timeout) throw Failure(timed_out(stream));
      break;
    }
    case Action::Kind::write:
      if (Transcript* t = stream.transcript()) {
        if (action.secret)
          t->client_withheld(action.bytes.size());
        else
          t->client(action.bytes);
      }
      co_await stream.write_all(action.bytes, capped(action.timeout, stream, options));
      machine.written();
      break;
    case Action::Kind::start_tls:
      co_await stream.start_tls(capped(action.timeout, stream, options));
      machine.tls_started();
      break;
    default:
      break;
  }
  co_return true;
}

}  // namespace

Task<Action::Kind> drive(Stream& stream, Machine& machine, DriveOptions options) {
  for (;;) {
    const Action action = machine.next();
    if (action.kind == Action::Kind::event || action.kind == Action::Kind::done ||
        action.kind == Action::Kind::failed)
      co_return action.kind;
    Error cause;
    try {
      if (!co_await step(stream, machine, action, options)) co_return Action::Kind::read;
      continue;
    } catch (const Failure& f) {
      cause = f.error;
    } catch (const boost::system::system_error& e) {
      cause = {Errc::cancelled, "the connection was given up", stream.endpoint().where(), {}, {}};
    }
    // A machine that failed while it was fed has its own error already; this keeps it from being asked for
    // more.
    machine.fail(std::move(cause));
    if (machine.next().kind != Action::Kind::failed)
      throw Failure(Errc::internal, "a machine went on after its failure");
    co_return Action::Kind::failed;
  }
}

}  // namespace mailroom::net
