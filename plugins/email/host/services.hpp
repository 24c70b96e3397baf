// The host's services, with their refusals as Failures that say what to do.
#pragma once
#include <string>
#include <string_view>

#include "aoh/sdk/knowledge.hpp"
#include "aoh/sdk/services.hpp"
#include "auth/mechanism.hpp"
#include "host/account.hpp"

namespace mailroom::host {

/// Views of the host's tables; copyable, any thread. Calls may read or write the disk.
struct Services {
  explicit Services(const aoh_host* h)
      : log(h), clock(h), credentials(h), vault(h), state(h), sessions(h), blobs(h), extraction(h) {}
  aoh::Log log;
  aoh::Clock clock;
  aoh::Credentials credentials;
  aoh::Vault vault;
  aoh::State state;
  aoh::Sessions sessions;
  aoh::Blobs blobs;
  aoh::Extraction extraction;  ///< false: the host has none

  /// The account's record, with its provider's limits and ways where it has none of its own. Throws Failure:
  /// not_found, refused, config.
  Account account(std::string_view credential_id) const;
  /// What signing in needs. `bearer`: the call_id or trigger_id on whose behalf. Throws Failure: not_found
  /// (no password stored), refused (not granted).
  /// `generation`, if given, receives what changes with the secret and tells nothing of it.
  auth::Credentials sign_in(const Account& account, std::string_view bearer,
                            std::string* generation = nullptr) const;
  /// The account's IMAP or SMTP server, with the key of the client's certificate where it has one. Throws
  /// Failure: config (no key stored), refused (not granted).
  net::Endpoint imap_server(const Account& account, std::string_view bearer) const;
  net::Endpoint smtp_server(const Account& account, std::string_view bearer) const;
  /// A secret field of the account. Throws Failure: config (none stored), refused (not granted).
  aoh::Secret secret(const Account& account, std::string_view field, std::string_view bearer) const;
  /// A sealed blob's bytes. Throws Failure: not_found, refused, limit when it has more than `max_bytes`.
  std::string blob(std::string_view id, std::string_view bearer, std::size_t max_bytes) const;
  /// Writes and seals a blob; returns what seal() tells. `owner`: a call_id, or empty for the module.
  aoh::Json make_blob(std::string_view owner, const aoh::Json& info, std::string_view bytes) const;
};

/// A status of the host as an Error: `what` says what was tried.
Error from_status(aoh_status status, std::string what, std::string where = {});
/// Of a blob that was to be read.
Failure blob_failure(aoh_status status, std::string where);

}  // namespace mailroom::host
