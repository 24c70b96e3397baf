#include "imap/client.hpp"

#include <algorithm>

#include "auth/words.hpp"
#include "imap/proto/ascii.hpp"
#include "imap/proto/change.hpp"
#include "imap/proto/data.hpp"
#include "imap/proto/idle.hpp"
#include "imap/proto/opening.hpp"
#include "net/driver.hpp"
#include "net/nonce.hpp"

namespace mailroom::imap {

using Kind = Response::Kind;

Client::Client(std::unique_ptr<net::Stream> stream, const Login& login)
    : stream_(std::move(stream)), session_(login.limits, login.timeouts) {
  session_.quirks = login.quirks;
}
Client::~Client() = default;

net::Task<std::unique_ptr<Client>> Client::connect(net::Executor executor, net::Context context, Login login,
                                                   net::TraceSink trace) {
  auth::check(login.credentials);
  const net::Endpoint& endpoint = login.endpoint;
  std::unique_ptr<net::Stream> stream = co_await net::open(executor, context, endpoint, std::move(trace));
  std::unique_ptr<Client> client(new Client(std::move(stream), login));
  client->session_.tls = client->stream_->is_tls();
  OpeningOptions options;
  options.starttls = endpoint.tls == net::TlsMode::starttls;
  options.tls_required =
      !client->stream_->is_loopback() || (endpoint.require_tls && endpoint.tls != net::TlsMode::none);
  options.credentials = &login.credentials;
  options.circumstances = [&stream = *client->stream_] {
    return auth::Circumstances{net::nonce(), stream.tls_exporter(), stream.tls_server_end_point(),
                               stream.endpoint().host, stream.endpoint().port};
  };
  options.identity = std::move(login.identity);
  if (login.resync) options.enable.insert(options.enable.end(), {"CONDSTORE", "QRESYNC"});
  Opening opening(client->session_, std::move(options));
  net::DriveOptions within;
  within.deadline_ns = net::after(client->stream_->clock().now_ns(), login.timeouts.opening);
  if (co_await net::drive(*client->stream_, opening, within) != Action::Kind::done) {
    Failure f = client->failure(opening);
    f.error.server = auth::without_secrets(f.error.server, login.credentials);
    throw f;
  }
  co_return std::move(client);
}

Failure Client::failure(const Machine& machine) const {
  Error e = machine.error();
  if (e.where.empty()) e.where = stream_->endpoint().where();
  return Failure(std::move(e));
}

const Capabilities& Client::capabilities() const { return session_.caps; }
const net::TlsDetails* Client::tls() const { return stream_->tls_details(); }
const MailboxState& Client::mailbox() const { return session_.mailbox; }

net::Task<void> Client::run(Exchange& exchange, std::optional<std::chrono::milliseconds> most) {
  net::DriveOptions options;
  options.deadline_ns = net::after(stream_->clock().now_ns(), most.value_or(session_.timeouts.whole));
  const Action::Kind end = co_await net::drive(*stream_, exchange, options);
  if (end == Action::Kind::done) co_return;
  if (is_fatal(exchange.error().code)) stream_->close();
  throw failure(exchange);
}

net::Task<std::map<std::string, std::string>> Client::id(const std::map<std::string, std::string>& own) {
  std::map<std::string, std::string> server;
  if (!session_.caps.has("ID")) co_return server;
  Exchange exchange(session_, id_command(own), "telling the server who we are failed");
  exchange.on_untagged = [&](Response& r) {
    if (r.kind != Kind::id) return false;
    server = parse_id(r);
    return true;
  };
  co_await run(exchange);
  co_return server;
}

net::Task<std::vector<Uid>> Client::uid_search(const Criteria& criteria) {
  const bool extended = session_.offers("ESEARCH") && !session_.quirks.has(Quirk::plain_search);
  std::vector<Uid> uids;
  bool again = false;
  try {
    uids = co_await search_once(criteria, extended);
  } catch (const Failure& f) {
    // Announced and not understood: the form that every server has to know, from here on.
    again = extended && f.error.code == Errc::refused;
    if (!again) throw;
  }
  if (again) {
    session_.quirks.add(Quirk::plain_search);
    uids = co_await search_once(criteria, false);
  }
  std::sort(uids.begin(), uids.end());  // quirk unsorted_results
  uids.erase(std::unique(uids.begin(), uids.end()), uids.end());
  co_return uids;
}

net::Task<std::vector<Uid>> Client::search_once(const Criteria& criteria, bool extended) {
  std::vector<Uid> uids;
  const Command keys = criteria.keys();
  Command command(extended ? "UID SEARCH RETURN (ALL) " : "UID SEARCH ");
  // Under UTF8=ACCEPT there is no other charset, and naming one is an error (RFC 6855 §3).
  if (keys.has_utf8() && !session_.utf8_names()) command.raw("CHARSET UTF-8 ");
  Exchange exchange(session_, command.append(keys), "the search failed");
  exchange.on_untagged = [&](Response& r) {
    if (r.kind == Kind::search)
      parse_search(r, uids, session_.limits);
    else if (r.kind == Kind::esearch)
      parse_esearch(r, exchange.tag(), uids, session_.limits);
    else
      return false;
    return true;
  };
  co_await run(exchange);
  co_return uids;
}

net::Task<void> Client::uid_store(const UidSet& set, StoreMode mode, const std::vector<std::string>& flags) {
  Exchange exchange(session_, store_command(set, mode, flags), "setting flags failed");
  co_await run(exchange);
}

bool Client::can_expunge_alone() const { return session_.offers("UIDPLUS"); }

net::Task<void> Client::uid_expunge(const UidSet& set) {
  if (!can_expunge_alone())
    throw Failure(Errc::unsupported, "the server cannot remove single messages (no UIDPLUS)",
                  stream_->endpoint().where());
  Exchange exchange(session_, expunge_command(set), "removing the message failed");
  co_await run(exchange);
}

net::Task<void> Client::create(std::string_view mailbox, std::optional<Use> use) {
  const bool told = use && session_.caps.has("CREATE-SPECIAL-USE");
  Exchange exchange(session_, create_command(mailbox, told ? use : std::nullopt),
                    "creating the mailbox " + printable(mailbox, 100) + " failed");
  co_await run(exchange);
}

net::Task<AppendResult> Client::append(std::string_view mailbox, const std::vector<std::string>& flags,
                                       std::string_view message, std::optional<std::int64_t> internal_date) {
  Exchange exchange(session_, append_command(mailbox, flags, internal_date, message),
                    "storing the message in " + printable(mailbox, 100) + " failed");
  co_await run(exchange, session_.timeouts.transfer);
  co_return append_result(exchange.answer());
}

bool Client::is_local() const { return stream_->is_loopback(); }

net::Task<bool> Client::compress() {
  if (compressed_) co_return true;
  if (!session_.offers("COMPRESS=DEFLATE")) co_return false;
  Exchange exchange(session_, Command("COMPRESS DEFLATE"), "agreeing on compression failed");
  try {
    co_await run(exchange);
  } catch (const Failure& f) {
    if (is_fatal(f.error.code)) throw;
    co_return false;
  }
  // What came behind the OK is compressed already.
  stream_->start_deflate(session_.framer.take_rest());
  compressed_ = true;
  co_return true;
}

bool Client::can_idle() const { return session_.offers("IDLE"); }

net::Task<IdleResult> Client::idle(std::int64_t until_ns, bool wake_on_flags) {
  if (!can_idle())
    throw Failure(Errc::unsupported, "the server does not offer IDLE", stream_->endpoint().where());
  Idle idle(session_, wake_on_flags);
  net::DriveOptions options;
  options.interruptible = true;
  options.pause_ns = until_ns;
  bool deadline = false, interrupted = false;
  for (;;) {
    const Action::Kind end = co_await net::drive(*stream_, idle, options);
    if (end == Action::Kind::done) break;
    if (end == Action::Kind::failed) {
      if (is_fatal(idle.error().code)) stream_->close();
      throw failure(idle);
    }
    deadline = stream_->clock().now_ns() >= until_ns;
    interrupted = !deadline;
    idle.stop();
    options = {};  // what follows is short, and nothing cuts it but its own time-outs
    options.deadline_ns = net::after(stream_->clock().now_ns(), 2 * session_.timeouts.idle_done);
  }
  IdleResult result = idle.result();
  result.deadline = deadline;
  result.interrupted = interrupted;
  co_return result;
}

net::Task<void> Client::noop() {
  Exchange exchange(session_, Command("NOOP"), "asking the server for news failed");
  co_await run(exchange);
}

net::Task<void> Client::logout() {
  try {
    if (!session_.dead && stream_->is_open()) {
      session_.timeouts.command = session_.timeouts.write = session_.timeouts.logout;
      Exchange exchange(session_, Command("LOGOUT"), "signing out failed");
      net::DriveOptions options;
      options.deadline_ns = net::after(stream_->clock().now_ns(), session_.timeouts.logout);
      co_await net::drive(*stream_, exchange, options);
    }
  } catch (const std::exception&) {
    // the connection goes either way
  }
  session_.dead = true;
  stream_->close();
}

void Client::interrupt() { stream_->interrupt(); }
void Client::abort() { stream_->abort(); }

}  // namespace mailroom::imap
