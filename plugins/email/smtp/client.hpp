// An SMTP submission session (RFC 6409): smtp/proto's machines over net's stream.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "auth/mechanism.hpp"
#include "net/connect.hpp"
#include "smtp/proto/session.hpp"
#include "smtp/proto/types.hpp"

namespace mailroom::smtp {

struct Login {
  net::Endpoint endpoint;
  std::optional<auth::Credentials> credentials;  ///< none: no AUTH
  std::string ehlo_name;                         ///< own host name or "[127.0.0.1]"; empty: "localhost"
  Timeouts timeouts;
};

/// Runs on its strand when everything but the final CRLF "." CRLF has been written: the caller records
/// durably that the outcome is unknown from now on. It may block for a moment. If it throws, the message is
/// not completed, the connection is dropped, and deliver() throws the same: nothing was sent.
using BeforeCommit = std::function<void()>;

/// One authenticated session. Belongs to a strand; one call at a time; abort() from any thread.
class Client {
 public:
  /// Connects, greets, does STARTTLS (then forgets and asks again for all capabilities) and AUTH. Throws
  /// Failure: those of net::open(), starttls_missing, auth, auth_throttled, protocol, bye (a 421), temporary,
  /// refused, unsupported (no mechanism in common).
  static net::Task<std::unique_ptr<Client>> connect(net::Executor executor, net::Context context, Login login,
                                                    net::TraceSink trace = {});
  ~Client();

  const Capabilities& capabilities() const;

  /// Delivers one message: `message` is a whole RFC 5322 message with CRLF line ends (a bare CR or LF throws
  /// Failure(invalid) before anything is written). Refusals, also partial ones, cuts and time-outs are
  /// outcomes, not exceptions; so is a message too large for the server's SIZE, or one that needs 8BITMIME or
  /// SMTPUTF8 where they are missing. With `all_or_nothing` a single refused recipient stops the delivery
  /// before DATA; otherwise the others get it. May be called again while Outcome::connection_ok.
  net::Task<Outcome> deliver(const Envelope& envelope, std::string_view message,
                             BeforeCommit before_commit = {}, bool all_or_nothing = false);

  net::Task<void> noop();
  /// QUIT, its answer awaited for at most five seconds, close. Never throws.
  net::Task<void> quit();
  /// Any thread: drops the connection; a pending call ends (before the final dot: temporary, after it:
  /// uncertain).
  void abort();

 private:
  Client(std::unique_ptr<net::Stream> stream, Login login);
  std::unique_ptr<net::Stream> stream_;
  Login login_;
  Session session_;
};

}  // namespace mailroom::smtp
