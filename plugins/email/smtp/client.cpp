#include "smtp/client.hpp"

#include "auth/words.hpp"
#include "net/driver.hpp"
#include "net/nonce.hpp"
#include "smtp/proto/delivery.hpp"
#include "smtp/proto/opening.hpp"

namespace mailroom::smtp {
namespace {

/// The machine's error, with the place filled in.
Failure failure(const Machine& machine, const net::Stream& stream) {
  Error e = machine.error();
  if (e.where.empty()) e.where = stream.endpoint().where();
  return Failure(std::move(e));
}

}  // namespace

Login Login::clone() const {
  Login copy;
  copy.endpoint = endpoint;
  if (credentials) copy.credentials = credentials->clone();
  copy.ehlo_name = ehlo_name;
  copy.timeouts = timeouts;
  return copy;
}

Client::Client(std::unique_ptr<net::Stream> stream, Login login)
    : stream_(std::move(stream)), login_(std::move(login)) {
  session_.timeouts = login_.timeouts;
}

Client::~Client() = default;

net::Task<std::unique_ptr<Client>> Client::connect(net::Executor executor, net::Context context, Login login,
                                                   net::TraceSink trace) {
  if (login.credentials) auth::check(*login.credentials);
  if (!login.ehlo_name.empty()) check_ehlo_name(login.ehlo_name);
  const net::Endpoint endpoint = login.endpoint;
  std::unique_ptr<net::Stream> stream = co_await net::open(executor, context, endpoint, std::move(trace));
  std::unique_ptr<Client> client(new Client(std::move(stream), std::move(login)));
  client->session_.tls = client->stream_->is_tls();
  OpeningOptions options;
  options.ehlo_name = client->login_.ehlo_name;
  options.starttls = endpoint.tls == net::TlsMode::starttls;
  options.tls_required =
      !client->stream_->is_loopback() || (endpoint.require_tls && endpoint.tls != net::TlsMode::none);
  options.credentials = client->login_.credentials ? &*client->login_.credentials : nullptr;
  options.circumstances = [&stream = *client->stream_] {
    return auth::Circumstances{net::nonce(), stream.tls_exporter(), stream.tls_server_end_point(),
                               stream.endpoint().host, stream.endpoint().port};
  };
  Opening opening(client->session_, std::move(options));
  net::DriveOptions within;
  within.deadline_ns = net::after(client->stream_->clock().now_ns(), client->login_.timeouts.opening);
  const Action::Kind end = co_await net::drive(*client->stream_, opening, within);
  if (end != Action::Kind::done) {
    Failure f = failure(opening, *client->stream_);
    if (client->login_.credentials)
      f.error.server = auth::without_secrets(f.error.server, *client->login_.credentials);
    throw f;
  }
  client->login_.credentials.reset();  // not needed any more: wiped
  co_return std::move(client);
}

const Capabilities& Client::capabilities() const { return session_.caps; }
const net::TlsDetails* Client::tls() const { return stream_->tls_details(); }

net::Task<Outcome> Client::deliver(const Envelope& envelope, std::string_view message,
                                   BeforeCommit before_commit, bool all_or_nothing) {
  StringSource source(message);
  const Message checked(source);
  co_return co_await deliver(envelope, checked, std::move(before_commit), all_or_nothing);
}

net::Task<Outcome> Client::deliver(const Envelope& envelope, const Message& message,
                                   BeforeCommit before_commit, bool all_or_nothing) {
  Delivery delivery(session_, envelope, message, all_or_nothing);
  Action::Kind end = co_await net::drive(*stream_, delivery);
  // The last moment at which a dead connection, or a server out of step, costs nothing.
  if (end == Action::Kind::event && !(net::take_in(*stream_, delivery) && delivery.ready()))
    end = Action::Kind::failed;
  if (end == Action::Kind::event) {
    try {
      if (before_commit) before_commit();
    } catch (...) {
      // Without its end the server throws the message away (RFC 5321 §4.1.1.4).
      session_.dead = true;
      stream_->close();
      throw;
    }
    delivery.commit();
    end = co_await net::drive(*stream_, delivery);
  }
  Outcome outcome = delivery.outcome();
  if (outcome.error && outcome.error.where.empty()) outcome.error.where = stream_->endpoint().where();
  if (end == Action::Kind::failed) stream_->close();
  co_return outcome;
}

net::Task<void> Client::noop() {
  Simple noop(session_, "NOOP", session_.timeouts.command);
  if (co_await net::drive(*stream_, noop) != Action::Kind::done) throw failure(noop, *stream_);
}

net::Task<void> Client::quit() {
  try {
    if (!session_.dead && stream_->is_open()) {
      Simple quit(session_, "QUIT", std::chrono::seconds(5));
      co_await net::drive(*stream_, quit);
    }
  } catch (const std::exception&) {
    // the connection goes either way
  }
  session_.dead = true;
  stream_->close();
}

void Client::abort() { stream_->abort(); }

}  // namespace mailroom::smtp
