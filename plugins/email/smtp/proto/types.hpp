// What a submission is and what came of it.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace mailroom::smtp {

/// What the server announced after EHLO (RFC 5321 §4.1.1.1), as of the last one: what came before TLS does
/// not count.
struct Capabilities {
  bool starttls = false;          ///< RFC 3207
  bool pipelining = false;        ///< RFC 2920
  bool eight_bit = false;         ///< 8BITMIME, RFC 6152
  bool smtputf8 = false;          ///< RFC 6531
  bool enhanced_codes = false;    ///< RFC 2034
  bool chunking = false;          ///< RFC 3030
  bool dsn = false;               ///< RFC 3461
  bool require_tls = false;       ///< REQUIRETLS, RFC 8689
  bool size = false;              ///< RFC 1870
  std::uint64_t max_size = 0;     ///< bytes; 0: no limit told
  std::vector<std::string> auth;  ///< mechanisms, upper case
};

/// Which reports the sender wants (RFC 3461). Goes out only to a server that offers DSN; Outcome::dsn tells.
struct Dsn {
  enum class Return { as_server_likes, full, headers };
  bool success = false;                      ///< NOTIFY=SUCCESS: when it has been delivered
  bool failure = false;                      ///< NOTIFY=FAILURE
  bool delay = false;                        ///< NOTIFY=DELAY
  bool never = false;                        ///< NOTIFY=NEVER; excludes the three above
  Return content = Return::as_server_likes;  ///< RET: what of the message comes back in a failure's report
  std::string envelope_id;  ///< ENVID, comes back in the report: graphic ASCII, at most 100 bytes as xtext
  /// ORCPT, one for each recipient in their order: whom the message was first meant for. Empty: the
  /// recipients themselves.
  std::vector<std::string> original;

  bool notifies() const { return success || failure || delay || never; }
  bool asked() const { return notifies() || content != Return::as_server_likes || !envelope_id.empty(); }
};

struct Envelope {
  std::string from;  ///< address without angle brackets; empty: the null return path of RFC 5321 §4.5.5
  std::vector<std::string> to;  ///< 1 to 1,000 addresses, each at most 254 bytes
  std::uint64_t size = 0;       ///< bytes of the message as given (0: taken from the message)
  bool eight_bit = false;       ///< the message has bytes above 127: needs 8BITMIME
  bool smtputf8 = false;        ///< an address or a header needs RFC 6531
  Dsn dsn{};
  bool require_tls =
      false;  ///< RFC 8689: every hop by verified TLS, or not at all; refused where not offered
};

/// Throws Failure(invalid) for an envelope that must not be put on the wire: CR, LF, NUL, other controls,
/// spaces outside quotes, angle brackets, Unicode line ends, non-ASCII without smtputf8, no or too many
/// recipients, too long; the same for each parameter.
void check(const Envelope& envelope);
/// Throws Failure(config) when `name` is no host name or address literal: EHLO would carry it.
void check_ehlo_name(std::string_view name);

/// One server reply: code, the enhanced code when it has one, the words.
struct Reply {
  int code = 0;                    ///< 200 to 599
  std::string enhanced;            ///< "5.1.1" (RFC 3463) or empty
  std::vector<std::string> lines;  ///< text of each line, without code; a stranger's words
  bool positive() const { return code >= 200 && code < 400; }
  /// "550 5.1.1 no such user", cut at 512 bytes, printable.
  std::string text() const;
};

struct RecipientOutcome {
  enum class State { pending, accepted, refused, temporary };
  std::string address;
  State state = State::pending;  ///< what RCPT TO said; pending: not asked
  int code = 0;                  ///< 0: no reply
  std::string enhanced;
  std::string server;  ///< the server's words
};

/// What became of one delivery.
struct Outcome {
  enum class State {
    delivered,  ///< the server took responsibility for every `accepted` recipient
    refused,    ///< it said no for good (or no recipient was acceptable); nothing was sent
    temporary,  ///< nothing was sent; the same may be tried again later
    uncertain,  ///< the end of the message may have reached the server, its answer did not reach us: never
                ///< send it again blindly
  };
  State state = State::temporary;
  std::vector<RecipientOutcome> recipients;  ///< in the envelope's order
  int code = 0;                              ///< of the reply that decided; 0: no reply
  std::string enhanced;
  std::string server;         ///< its words, for example "250 2.0.0 Ok: queued as 4BxT"
  Error error;                ///< set unless delivered: what, cause, cure
  bool dsn = false;           ///< were the reports asked for, and the server told so?
  bool connection_ok = true;  ///< may the connection be used again?
};

std::string_view name(Outcome::State state);           ///< "delivered", ...
std::string_view name(RecipientOutcome::State state);  ///< "accepted", ...

/// How long each step may take (RFC 5321 §4.5.3.2 asks for at least these; a person waits, so the shorter
/// ones are shorter).
struct Timeouts {
  std::chrono::milliseconds opening{180'000};  ///< all of it, up to the sign-in: who drips must not hold it
  std::chrono::milliseconds greeting{60'000};
  std::chrono::milliseconds command{60'000};
  std::chrono::milliseconds data{120'000};   ///< for 354
  std::chrono::milliseconds block{180'000};  ///< for each write of the message
  std::chrono::milliseconds final_dot{
      600'000};  ///< for the answer to the final dot: giving up early makes uncertain outcomes
};

}  // namespace mailroom::smtp
