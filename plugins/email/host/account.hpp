// A mail account: a credential record of type "mail", read and checked. No secrets.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/oauth_settings.hpp"
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

/// Who files the copy of what was sent.
enum class SentCopy {
  append,  ///< we do, over IMAP
  server,  ///< the server does by itself
  none,    ///< nobody
};
/// nullopt: none of "append", "server", "none".
std::optional<SentCopy> sent_copy_from(std::string_view word);

/// How much may be sent; absent: not known, or no limit.
struct SendLimits {
  std::optional<std::uint32_t> smtp_connections;  ///< at once
  std::optional<std::uint32_t> messages_per_minute, messages_per_day;
  std::optional<std::uint32_t> recipients_per_day, recipients_per_message;
  std::optional<std::uint32_t> recipient_domain_per_minute;  ///< messages to one recipient domain
  std::optional<std::uint64_t> max_message_bytes;            ///< after encoding
};
/// From {"smtp_connections": 3, ...}. Throws Failure(config) below `where` for an unknown member, and for
/// what is no whole number between 1 and 2^31-1.
SendLimits limits_from(const aoh::Json& json, const std::string& where);

struct Account {
  std::string id;                    ///< credential_id
  std::string username;              ///< for signing in
  std::vector<Identity> identities;  ///< whom it may send as; the first is the default
  std::optional<net::Endpoint> imap, smtp;
  std::vector<DkimEntry>
      dkim;  ///< the n-th uses the n-th PEM block of the secret `dkim_key`, or its only one
  bool append_sent =
      false;             ///< a copy of what it sends goes to its Sent mailbox by us; else the server does it
  std::string provider;  ///< name of a preset (host/providers.hpp), unchecked; empty: by its servers
  std::vector<std::string> sasl;  ///< the only mechanisms to sign in with; empty: all but CRAM-MD5
  /// Servers whose Authentication-Results are believed, by their authserv-id (RFC 8601 §2.5); empty: none.
  std::vector<std::string> trusted_authserv_ids;
  std::optional<std::chrono::seconds> idle_renew, poll_interval;  ///< instead of the provider's
  std::optional<SentCopy> sent_copy;  ///< instead of the provider's (host/providers.hpp)
  SendLimits limits;                  ///< likewise, each by itself
  /// Of its IMAP server, by name, instead of the provider's; unchecked (imap/proto/quirks.hpp knows them).
  std::optional<std::vector<std::string>> quirks;
  std::vector<std::int64_t> warm_up;   ///< of a young sender: most messages on its first, second ... day
  std::int64_t warm_up_from_s = 0;     ///< Unix time at which the first day begins
  std::string link_store;              ///< credential of type s3 for large files; empty: none
  bool oauth2 = false;                 ///< signs in with tokens, not a password
  std::optional<OAuthSettings> oauth;  ///< where they come from; set by Services::account where oauth2

  /// The addresses of all identities.
  std::vector<std::string> addresses() const;
  /// The identity with that address (ASCII case ignored), nullptr when it is not one of the account's.
  const Identity* identity(std::string_view address) const;
};

/// Throws Failure(config) that names the field and the cure: no address, an unknown TLS mode, plaintext where
/// TLS is required, and what net::check() refuses.
Account account_from(const aoh::Json& record);

}  // namespace mailroom::host
