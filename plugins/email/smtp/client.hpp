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
#include "smtp/proto/source.hpp"
#include "smtp/proto/types.hpp"

namespace mailroom::smtp {

struct Login {
  net::Endpoint endpoint;
  std::optional<auth::Credentials> credentials;  ///< none: no AUTH
  std::string ehlo_name;                         ///< own host name or "[127.0.0.1]"; empty: "localhost"
  Timeouts timeouts;

  Login clone() const;  ///< copies the secret too
};

/// Runs on the connection's strand when everything but the message's last piece (the final CRLF "." CRLF, or
/// the last chunk) has been written: the caller records durably that the outcome is unknown from now on. It
/// may block for a moment. If it throws, the message is not completed, the connection is dropped, and
/// deliver() throws the same: nothing was sent.
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
  const net::TlsDetails* tls() const;  ///< null without TLS

  /// Delivers one message. Refusals, also partial ones, cuts and time-outs are outcomes, not exceptions; so
  /// is a message too large for the server's SIZE, or one that needs 8BITMIME, SMTPUTF8 or REQUIRETLS where
  /// they are missing. An envelope that must not be sent throws Failure(invalid) before anything is written.
  /// With `all_or_nothing` a single refused recipient stops the delivery before DATA; otherwise the others
  /// get it. The server's silence is looked at once more before `before_commit` runs: a connection that has
  /// gone meanwhile is a plain failure. May be called again while Outcome::connection_ok.
  net::Task<Outcome> deliver(const Envelope& envelope, const Message& message,
                             BeforeCommit before_commit = {}, bool all_or_nothing = false);
  /// The same for a message in memory: RFC 5322 with CRLF line ends. A bare CR or LF, a NUL or a line of more
  /// than 998 bytes throws Failure(invalid) before anything is written.
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
