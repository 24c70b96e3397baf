#include "net/driver.hpp"

#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
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

/// Outside the coroutines, like pump(): what is put together here would take room in their frames for days.
[[noreturn]] void throw_timed_out(const Stream& stream) {
  throw Failure(Error{
      Errc::timeout, "the server did not answer in time", stream.endpoint().where(), {}, "Try again later."});
}

/// RFC 3501 §11.1, CVE-2011-0411: the server's turn comes behind our first bytes of the handshake. What lies
/// there already was put in by somebody else; what the machine had read it has looked for itself.
void nothing_ahead_of_tls(const Stream& stream) {
  char byte = 0;
  if (recv(stream.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
    throw Failure(
        Errc::protocol, "bytes were sent ahead of the TLS handshake", stream.endpoint().where(),
        "Somebody between here and the server may be injecting data: do not use this network path.");
}

/// How long one wait for bytes may take, and whether its end is a pause and not a time-out.
struct Patience {
  std::chrono::milliseconds limit;
  bool pauses;
};
Patience patience(const Stream& stream, const Action& action, const DriveOptions& options) {
  const std::chrono::milliseconds limit = capped(action.timeout, stream, options);
  const std::chrono::milliseconds pause = until(options.pause_ns, stream);
  return {std::min(limit, pause), pause < limit};
}

/// One step of the machine that needs the stream and is no read.
Task<void> step(Stream& stream, Machine& machine, const Action& action, const DriveOptions& options) {
  switch (action.kind) {
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
      nothing_ahead_of_tls(stream);
      co_await stream.start_tls(capped(action.timeout, stream, options));
      machine.tls_started();
      break;
    default:
      break;
  }
}

constexpr std::size_t kTurn = 1u << 20;  // bytes read without a wait before others on the strand have a turn

/// A server that sends as fast as it is read must not keep others, or an abort(), from their turn.
Task<void> give_way(Stream& stream) {
  co_await boost::asio::post(stream.executor(), boost::asio::use_awaitable);
}

/// A machine that failed while it was fed has its own error already; this keeps it from being asked for more.
void fail(Machine& machine, Error cause) {
  machine.fail(std::move(cause));
  if (machine.next().kind != Action::Kind::failed)
    throw Failure(Errc::internal, "a machine went on after its failure");
}
void given_up(Machine& machine, const Stream& stream) {
  fail(machine, {Errc::cancelled, "the connection was given up", stream.endpoint().where(), {}, {}});
}

}  // namespace

Task<Action::Kind> drive(Stream& stream, Machine& machine, DriveOptions options) {
  std::size_t streak = 0;  // bytes since the last wait
  for (;;) {
    const Action action = machine.next();
    if (action.kind == Action::Kind::event || action.kind == Action::Kind::done ||
        action.kind == Action::Kind::failed)
      co_return action.kind;
    try {
      if (action.kind != Action::Kind::read) {
        co_await step(stream, machine, action, options);
      } else if (const std::size_t n = pump(stream, machine); n > 0) {
        // Who never pauses must not outlast the deadline either.
        if (until(options.deadline_ns, stream).count() == 0) throw_timed_out(stream);
        if ((streak += n) >= kTurn) {
          streak = 0;
          co_await give_way(stream);
        }
      } else {
        streak = 0;
        // Here and not in step(): a connection idles in this wait, and each coroutine around it costs memory.
        const Patience p = patience(stream, action, options);
        const Stream::Wake wake = co_await stream.wait_readable(p.limit, options.interruptible);
        if (wake == Stream::Wake::interrupted || (wake == Stream::Wake::timeout && p.pauses))
          co_return Action::Kind::read;
        if (wake == Stream::Wake::timeout) throw_timed_out(stream);
      }
      continue;
    } catch (const Failure& f) {
      fail(machine, f.error);
    } catch (const boost::system::system_error&) {
      given_up(machine, stream);
    }
    co_return Action::Kind::failed;
  }
}

bool take_in(Stream& stream, Machine& machine) {
  constexpr int kMost = 16;  // reads: who says more than this unasked is out of step anyway
  try {
    for (int i = 0; i < kMost && pump(stream, machine) > 0; ++i) {
    }
    return true;
  } catch (const Failure& f) {
    fail(machine, f.error);
    return false;
  }
}

}  // namespace mailroom::net
