// What goes wrong, said so that a person at three in the morning can act on it.
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>

namespace mailroom {

/// The kinds of failure that callers tell apart. Whether the connection survives is is_fatal()'s answer.
enum class Errc {
  ok = 0,
  // the connection is gone or must go
  dns,               ///< the host name has no address
  connect,           ///< refused or unreachable
  timeout,           ///< nothing came before the deadline
  closed,            ///< the peer closed the connection
  tls,               ///< handshake failed
  certificate,       ///< not trusted, expired, or of another host
  starttls_missing,  ///< the server does not offer STARTTLS and TLS is required
  protocol,          ///< what the server sent breaks the protocol
  limit,             ///< a documented limit was passed
  bye,               ///< the server said goodbye
  cancelled,         ///< we gave up waiting on purpose
  // the connection goes on
  auth,            ///< credentials refused
  auth_throttled,  ///< too many sign-ins: wait, the password may be right
  refused,         ///< the server said NO, or a 5xx
  temporary,       ///< a 4xx, or NO with a code that says 'later'
  not_found,       ///< no such mailbox, message or part
  unsupported,     ///< neither we nor the server can
  invalid,         ///< the argument is wrong
  config,          ///< the configuration is wrong
  state,           ///< not possible now
  internal,        ///< a defect of ours
};

/// The name as it stands in JSON and logs, for example "auth_throttled".
std::string_view name(Errc code);

/// True where the connection cannot be used any more.
bool is_fatal(Errc code);
/// True where the same again may succeed later without anybody changing anything.
bool is_temporary(Errc code);

/// An error as people read it. The server's words are a stranger's: they are kept apart and never
/// interpreted.
struct Error {
  Errc code = Errc::ok;
  std::string what;    ///< what failed: "sign-in to IMAP failed"
  std::string where;   ///< where: "imap.example.org:993", "blueprint.yaml:7:3"; may be empty
  std::string server;  ///< what the server said, at most 512 bytes, control characters replaced; may be empty
  std::string cure;    ///< what to do; may be empty

  explicit operator bool() const { return code != Errc::ok; }
  /// One line: what, where, the server's words in quotes and marked as such, the cure.
  std::string line() const;
};

/// An Error on its way up inside the module. Never crosses the plugin interface.
struct Failure : std::runtime_error {
  explicit Failure(Error e) : std::runtime_error(e.line()), error(std::move(e)) {}
  Failure(Errc code, std::string what, std::string where = {}, std::string cure = {})
      : Failure(Error{code, std::move(what), std::move(where), {}, std::move(cure)}) {}
  Error error;
};

/// `text` as it may be shown: control characters become '?', cut at `max_bytes` on a character boundary,
/// valid UTF-8.
std::string printable(std::string_view text, std::size_t max_bytes = 512);

}  // namespace mailroom
