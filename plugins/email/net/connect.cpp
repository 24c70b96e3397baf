#include "net/connect.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <vector>

#include "net/alarm.hpp"
#include "net/look_up.hpp"
#include "net/stream_impl.hpp"

namespace mailroom::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kAddresses = 8;

/// Something that ends by itself, and that one waits for no longer than one likes.
struct Operation {
  Operation(const Executor& e, Clock& c) : alarm(e, c) {}
  virtual ~Operation() = default;
  void end(error_code ec) {
    result = ec;
    done = true;
    alarm.poke();
  }
  Alarm alarm;
  error_code result;
  bool done = false;
};

/// getaddrinfo() cannot be hurried: it goes on in the background when nobody waits for it any more.
struct Lookup : Operation {
  Lookup(const Executor& e, Clock& c) : Operation(e, c), resolver(e) {}
  tcp::resolver resolver;
  std::vector<tcp::endpoint> found;
};

struct Attempt : Operation {
  Attempt(const Executor& e, Clock& c) : Operation(e, c), socket(e) {}
  ~Attempt() override = default;
  tcp::socket socket;
};

/// Waits for `op`; false when the time came first.
Task<bool> finished(std::shared_ptr<Operation> op, std::int64_t at) {
  while (!op->done) {
    const bool late = co_await op->alarm.wait_until(at);
    if (late) break;
  }
  co_return op->done;
}

Task<std::vector<tcp::endpoint>> addresses(Executor executor, Clock& clock, const Endpoint& e,
                                           std::int64_t at) {
  error_code ec;
  const asio::ip::address literal =
      asio::ip::make_address(e.connect_address.empty() ? e.dns_name() : e.connect_address, ec);
  if (!ec) co_return std::vector<tcp::endpoint>(1, tcp::endpoint(literal, e.port));
  if (!e.connect_address.empty())
    throw Failure(Errc::config, "connect_address is not a numeric address", e.where());

  auto lookup = std::make_shared<Lookup>(executor, clock);
  lookup->resolver.async_resolve(e.dns_name(), std::to_string(e.port), tcp::resolver::numeric_service,
                                 [lookup](error_code result, const tcp::resolver::results_type& found) {
                                   for (const auto& entry : found)
                                     if (lookup->found.size() < kAddresses)
                                       lookup->found.push_back(entry.endpoint());
                                   lookup->end(result);
                                 });
  const bool in_time = co_await finished(lookup, at);
  if (!in_time) {
    lookup->resolver.cancel();
    throw Failure(Errc::dns, "looking up the host name took too long", e.where(),
                  "Check this machine's DNS settings.");
  }
  if (lookup->result || lookup->found.empty())
    throw Failure(
        Errc::dns,
        "the host name has no address" + (lookup->result ? ": " + lookup->result.message() : std::string()),
        e.where(), "Check the host's spelling and this machine's DNS.");
  co_return std::move(lookup->found);
}

Error connect_error(const Endpoint& e, error_code ec, bool late) {
  Error error{Errc::connect, {}, e.where(), {}, {}};
  if (late) {
    error.code = Errc::timeout;
    error.what = "the server did not accept the connection in time";
    error.cure = "Check host and port, and whether a firewall is in between.";
  } else if (ec == asio::error::connection_refused) {
    error.what = "the connection was refused";
    error.cure = "Check the port, and that the server is running.";
  } else {
    error.what = "the server cannot be reached: " + ec.message();
    error.cure = "Check host, port and this machine's network.";
  }
  return error;
}

Task<tcp::socket> connected(Executor executor, Clock& clock, const Endpoint& e,
                            const ConnectTimeouts& timeouts) {
  const std::int64_t end = after(clock.now_ns(), timeouts.all);
  const std::int64_t resolved = std::min(end, after(clock.now_ns(), timeouts.resolve));
  const std::vector<tcp::endpoint> list = co_await addresses(executor, clock, e, resolved);
  const bool may_leave = e.tls != TlsMode::none && e.require_tls;
  Error last;
  for (const tcp::endpoint& address : list) {
    if (!may_leave && !address.address().is_loopback()) {
      // The name said loopback, the resolver says otherwise: nothing goes out in the clear.
      last = {Errc::config,
              "a connection without TLS is allowed to this machine only",
              e.where(),
              {},
              "Use TLS."};
      continue;
    }
    auto attempt = std::make_shared<Attempt>(executor, clock);
    attempt->socket.async_connect(address, [attempt](error_code result) { attempt->end(result); });
    const std::int64_t limit = std::min(end, after(clock.now_ns(), timeouts.attempt));
    bool in_time = false;
    try {
      in_time = co_await finished(attempt, limit);
    } catch (...) {
      error_code ignored;
      attempt->socket.close(ignored);
      throw;
    }
    if (in_time && !attempt->result) co_return std::move(attempt->socket);
    last = connect_error(e, attempt->result, !in_time);
    error_code ignored;
    attempt->socket.close(ignored);
    if (clock.now_ns() >= end) break;
  }
  throw Failure(std::move(last));
}

}  // namespace

Task<std::unique_ptr<Stream>> open(Executor executor, Context context, Endpoint endpoint, TraceSink trace,
                                   ConnectTimeouts timeouts) {
  check(endpoint);
  tcp::socket socket = co_await connected(executor, context.clock, endpoint, timeouts);
  const bool implicit = endpoint.tls == TlsMode::implicit;
  auto stream = std::make_unique<Stream>(
      std::make_shared<Stream::Impl>(executor, context, std::move(endpoint), std::move(socket)));
  stream->trace_to(std::move(trace));
  if (implicit) co_await stream->start_tls(timeouts.handshake);
  co_return std::move(stream);
}

Task<std::vector<std::string>> look_up(Executor executor, Context context, Endpoint endpoint,
                                       std::chrono::milliseconds timeout) {
  check(endpoint);
  const std::vector<tcp::endpoint> list =
      co_await addresses(executor, context.clock, endpoint, after(context.clock.now_ns(), timeout));
  std::vector<std::string> out;
  for (const tcp::endpoint& e : list) out.push_back(e.address().to_string());
  co_return out;
}

}  // namespace mailroom::net
