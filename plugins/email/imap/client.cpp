#include "imap/client.hpp"

#include <algorithm>

#include "imap/proto/ascii.hpp"
#include "imap/proto/change.hpp"
#include "imap/proto/data.hpp"
#include "imap/proto/idle.hpp"
#include "imap/proto/opening.hpp"
#include "imap/proto/utf7.hpp"
#include "net/driver.hpp"

namespace mailroom::imap {
namespace {

using Kind = Response::Kind;

Failure failure(const Machine& machine, const net::Stream& stream) {
  Error e = machine.error();
  if (e.where.empty()) e.where = stream.endpoint().where();
  return Failure(std::move(e));
}

/// Reads in large pieces while messages come.
class Bulk {
 public:
  Bulk(net::Stream& stream, const std::vector<FetchRequest>& requests)
      : stream_(std::any_of(requests.begin(), requests.end(),
                            [](const FetchRequest& r) { return !r.items.sections.empty(); })
                    ? &stream
                    : nullptr) {
    if (stream_ != nullptr) stream_->set_bulk(true);
  }
  ~Bulk() {
    if (stream_ != nullptr) stream_->set_bulk(false);
  }
  Bulk(const Bulk&) = delete;
  Bulk& operator=(const Bulk&) = delete;

 private:
  net::Stream* stream_;  // null: little is to come
};

}  // namespace

Client::Client(std::unique_ptr<net::Stream> stream, const Login& login)
    : stream_(std::move(stream)), session_(login.limits, login.timeouts) {}
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
  Opening opening(client->session_, options);
  if (co_await net::drive(*client->stream_, opening) != Action::Kind::done) {
    Failure f = failure(opening, *client->stream_);
    f.error.server = auth::without_secrets(f.error.server, login.credentials);
    throw f;
  }
  co_return std::move(client);
}

const Capabilities& Client::capabilities() const { return session_.caps; }
const MailboxState& Client::mailbox() const { return session_.mailbox; }

net::Task<void> Client::run(Exchange& exchange) {
  const Action::Kind end = co_await net::drive(*stream_, exchange);
  if (end == Action::Kind::done) co_return;
  if (is_fatal(exchange.error().code)) stream_->close();
  throw failure(exchange, *stream_);
}

net::Task<std::map<std::string, std::string>> Client::id(const std::map<std::string, std::string>& own) {
  std::map<std::string, std::string> server;
  if (!session_.caps.has("ID")) co_return server;
  Command command("ID ");
  if (own.empty()) command.raw("NIL");
  bool first = true;
  for (const auto& [key, value] : own) {
    command.raw(first ? "(" : " ").string(key).raw(" ").string(value);
    first = false;
  }
  if (!own.empty()) command.raw(")");
  Exchange exchange(session_, std::move(command), "telling the server who we are failed");
  exchange.on_untagged = [&](Response& r) {
    if (r.kind != Kind::id) return false;
    server = parse_id(r);
    return true;
  };
  co_await run(exchange);
  co_return server;
}

net::Task<std::vector<ListEntry>> Client::list(std::string_view pattern) {
  return list(Command("LIST \"\" ").string(to_utf7(pattern)));
}

net::Task<std::vector<ListEntry>> Client::list_with_uses() {
  if (session_.caps.has("SPECIAL-USE") && session_.caps.has("LIST-EXTENDED")) {
    try {
      co_return co_await list(Command("LIST \"\" \"*\" RETURN (SPECIAL-USE)"));
    } catch (const Failure& f) {
      // Quirk: Exchange Online refuses what it announces. A plain LIST may tell as much (RFC 6154 §2).
      if (is_fatal(f.error.code)) throw;
    }
  }
  co_return co_await list("*");
}

net::Task<std::vector<ListEntry>> Client::list(Command command) {
  std::vector<ListEntry> entries;
  Exchange exchange(session_, std::move(command), "listing the mailboxes failed");
  exchange.on_untagged = [&](Response& r) {
    if (r.kind != Kind::list) return false;
    if (entries.size() >= session_.limits.list_entries)
      throw Failure(Errc::limit, "the server has more than " + std::to_string(session_.limits.list_entries) +
                                     " mailboxes");
    entries.push_back(parse_list(r));
    return true;
  };
  co_await run(exchange);
  co_return entries;
}

net::Task<StatusData> Client::status(std::string_view mailbox) {
  StatusData data;
  const std::string items = session_.caps.has("CONDSTORE")
                                ? " (MESSAGES UIDNEXT UIDVALIDITY UNSEEN HIGHESTMODSEQ)"
                                : " (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)";
  Exchange exchange(session_, Command("STATUS ").mailbox(mailbox).raw(items),
                    "asking for the state of the mailbox " + printable(mailbox, 100) + " failed");
  exchange.on_untagged = [&](Response& r) {
    if (r.kind != Kind::status) return false;
    std::string name;
    data = parse_status(r, name);
    return true;
  };
  co_await run(exchange);
  co_return data;
}

net::Task<MailboxState> Client::select(std::string_view mailbox, bool read_only) {
  Exchange exchange(session_, Command(read_only ? "EXAMINE " : "SELECT ").mailbox(mailbox),
                    "opening the mailbox " + printable(mailbox, 100) + " failed");
  session_.mailbox = {};
  session_.mailbox.read_only = read_only;
  try {
    co_await run(exchange);
  } catch (const Failure&) {
    session_.mailbox = {};  // RFC 3501 §6.3.1: a failed SELECT leaves none selected
    throw;
  }
  session_.mailbox.name = mailbox;
  co_return session_.mailbox;
}

net::Task<std::vector<Uid>> Client::uid_search(const Criteria& criteria) {
  std::vector<Uid> uids;
  const Command keys = criteria.keys();
  Command command(session_.caps.has("ESEARCH") ? "UID SEARCH RETURN (ALL) " : "UID SEARCH ");
  if (keys.has_utf8()) command.raw("CHARSET UTF-8 ");
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
  std::sort(uids.begin(), uids.end());
  uids.erase(std::unique(uids.begin(), uids.end()), uids.end());
  co_return uids;
}

/// True: there is a row to take. False: the answer is complete. Throws what ended it.
net::Task<bool> Client::next_row(Fetch& fetch) {
  const Action::Kind end = co_await net::drive(*stream_, fetch);
  if (end == Action::Kind::failed) {
    if (is_fatal(fetch.error().code)) stream_->close();
    if (fetch.sink_error()) std::rethrow_exception(fetch.sink_error());
    throw failure(fetch, *stream_);
  }
  co_return end != Action::Kind::done;
}

/// Rows are still on their way: the dialogue cannot be taken up again.
void Client::break_off() {
  session_.dead = true;
  stream_->close();
}

net::Task<FetchSummary> Client::uid_fetch(const UidSet& set, const FetchItems& items, const OnRow& on_row) {
  std::vector<FetchRequest> requests;
  requests.push_back({set, items});
  co_return co_await uid_fetch(std::move(requests), on_row);
}

net::Task<FetchSummary> Client::uid_fetch(std::vector<FetchRequest> requests, const OnRow& on_row,
                                          SectionSink* sink) {
  FetchSummary summary;
  const Bulk bulk(*stream_, requests);
  Fetch fetch(session_, std::move(requests), sink);
  while (co_await next_row(fetch)) {
    ++summary.rows;
    try {
      on_row(fetch.take_row());
    } catch (...) {
      break_off();
      throw;
    }
  }
  co_return summary;
}

net::Task<FetchSummary> Client::uid_fetch_waiting(std::vector<FetchRequest> requests, const OnRowTask& on_row,
                                                  SectionSink* sink) {
  FetchSummary summary;
  const Bulk bulk(*stream_, requests);
  Fetch fetch(session_, std::move(requests), sink);
  while (co_await next_row(fetch)) {
    ++summary.rows;
    try {
      co_await on_row(fetch.take_row());
    } catch (...) {
      break_off();
      throw;
    }
  }
  co_return summary;
}

net::Task<void> Client::uid_store(const UidSet& set, StoreMode mode, const std::vector<std::string>& flags) {
  Exchange exchange(session_, store_command(set, mode, flags), "setting flags failed");
  co_await run(exchange);
}

bool Client::can_expunge_alone() const { return session_.caps.has("UIDPLUS"); }

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
  co_await run(exchange);
  co_return append_result(exchange.answer());
}

bool Client::can_idle() const { return session_.caps.has("IDLE"); }

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
      throw failure(idle, *stream_);
    }
    deadline = stream_->clock().now_ns() >= until_ns;
    interrupted = !deadline;
    idle.stop();
    options = {};  // what follows is short, and nothing cuts it but its own time-out
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
      co_await net::drive(*stream_, exchange);
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
