// What the receiving server found out about a message's sender: Authentication-Results (RFC 8601). Pure.
#pragma once
#include <optional>
#include <span>
#include <string>

#include "mime/message.hpp"
#include "support/json.hpp"

namespace mailroom::policy {

/// A verdict of each method, as the server wrote it in lower case: "pass", "fail", "softfail", "neutral",
/// "none", "policy", "temperror", "permerror"; absent: nobody who is trusted said anything.
struct AuthVerdict {
  std::optional<std::string> spf, dkim, dmarc;
  std::string by;  ///< the server that said it; empty: none did
  /// {"spf", "dkim", "dmarc", "by"}, what is absent left out.
  aoh::Json json() const;
};

/// Only fields whose authserv-id is one of `trusted` (ASCII case ignored) count, of them the first one and
/// those that follow it before the next `Received`; of several words on one method the first counts, but a
/// `pass` of any DKIM signature in that field is a pass. A sender can write such a field, too: this holds
/// where the server takes out those that bear its own name (RFC 8601 §5). No `trusted`: nothing is believed.
AuthVerdict auth_verdict(const mime::Message& message, std::span<const std::string> trusted);

}  // namespace mailroom::policy
