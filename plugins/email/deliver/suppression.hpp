// What a delivery report means for the addresses it names: whom not to send to any more. Pure.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deliver/report.hpp"

namespace mailroom::deliver {

/// What is on record about a message that left.
struct SentFact {
  std::string outbox_id;
  std::string credential_id;
  std::vector<std::string> recipients;  ///< as in its envelope
};
/// Looks it up by the Message-ID or, where the report tells it, the ENVID of the submission; nothing when
/// neither was sent.
using SentLookup =
    std::function<std::optional<SentFact>(std::string_view message_id, std::string_view envelope_id)>;

/// What follows for one recipient.
struct Consequence {
  enum class Kind {
    delayed,    ///< the server still tries: noted
    failed,     ///< it did not arrive, but the address may be good: noted
    dead,       ///< the address takes no mail: noted and suppressed
    complaint,  ///< its owner does not want the mail: noted and suppressed
  };
  Kind kind = Kind::failed;
  std::string address;  ///< as it was sent to
  std::string status, diagnostic;
  bool suppresses() const { return kind == Kind::dead || kind == Kind::complaint; }
};
std::string_view name(Consequence::Kind kind);

struct Consequences {
  std::string outbox_id;  ///< the message that the report answers; empty when it is ignored
  std::vector<Consequence> each;
  std::string ignored;        ///< why nothing follows from the report, in our words
  std::size_t strangers = 0;  ///< addresses it names to which the message was not sent
};

/// Anybody can write a report. So one counts only for a message that this credential really sent, and only
/// for addresses that it was sent to (ASCII case ignored); whoever knows the Message-ID received it. A
/// complaint without an address (many services black it out) counts where the message had one recipient.
Consequences consequences_of(const Report& report, std::string_view credential_id, const SentLookup& sent);

/// Whether a permanent failure with this code (RFC 3463) is the address's own: no such mailbox, host or
/// domain, moved, disabled, or no reason at all. Not: mailbox full, message too large, sender or policy
/// refused, the network, the content.
bool is_dead_address(std::string_view status);

}  // namespace mailroom::deliver
