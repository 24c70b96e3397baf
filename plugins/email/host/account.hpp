// A mail account: a credential record of type "mail", read and checked. No secrets.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "net/endpoint.hpp"
#include "support/json.hpp"

namespace mailroom::host {

struct Identity {
  std::string name;  ///< display name; may be empty
  std::string address;
};

/// One domain that what is sent is signed for (RFC 6376).
struct DkimEntry {
  std::string domain, selector;                     ///< domain in lower case
  bool header_simple = false, body_simple = false;  ///< canonicalization; relaxed unless set
};

struct Account {
  std::string id;                    ///< credential_id
  std::string username;              ///< for signing in
  std::vector<Identity> identities;  ///< whom it may send as; the first is the default
  std::optional<net::Endpoint> imap, smtp;
  std::vector<DkimEntry>
      dkim;  ///< the n-th uses the n-th PEM block of the secret `dkim_key`, or its only one
  bool append_sent =
      false;  ///< a copy of what it sends goes to its Sent mailbox by us; else the server does it

  /// The addresses of all identities.
  std::vector<std::string> addresses() const;
  /// The identity with that address (ASCII case ignored), nullptr when it is not one of the account's.
  const Identity* identity(std::string_view address) const;
};

/// Throws Failure(config) that names the field and the cure: no address, an unknown TLS mode, plaintext where
/// TLS is required, `require_tls: false` with `tls: none` off loopback.
Account account_from(const aoh::Json& record);

}  // namespace mailroom::host
