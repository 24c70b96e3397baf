// What a mail provider allows and does: manifests/providers.json, and what the credential record says
// instead. Pure.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "host/account.hpp"
#include "support/json.hpp"

namespace mailroom::host {

/// One entry of providers.json. What it does not know is absent.
struct Preset {
  std::string name;
  std::vector<std::string> hosts;           ///< lower case; matches itself and every name below it
  std::optional<net::Endpoint> imap, smtp;  ///< its servers, for who sets an account up
  std::string sign_in;                      ///< how one signs in there, for people
  std::optional<SentCopy> sent_copy;
  SendLimits limits;
  aoh::Json oauth;  ///< where its tokens come from, as the record's `oauth` has it; null: not known
  std::vector<std::string> quirks;  ///< what its IMAP servers do, by the names of imap/proto/quirks.hpp
};

/// The entries of a document like providers.json. Throws Failure(config) that names the entry and the field:
/// figures out of range, an unknown member, a figure without its source or date.
std::vector<Preset> presets_from(const aoh::Json& document);

/// Those that the plugin was built with.
const std::vector<Preset>& presets();

/// How sending through an account goes.
struct Provider {
  std::string name;  ///< "gmail"; empty: none that is known
  /// append where nothing is known: append_sent() looks for a copy of the server's first.
  SentCopy sent_copy = SentCopy::append;
  SendLimits limits;
  aoh::Json oauth;  ///< the preset's; null: none
};

/// By the account's SMTP server, else its IMAP server (ASCII case ignored; the longest match counts), each
/// figure replaced by the credential record's own where it has one.
Provider provider_for(const Account& account, const std::vector<Preset>& known = presets());

/// What the account's IMAP server is known to do, by names: by its host alone, whoever sends; the credential
/// record's own `quirks` instead, where it has some.
std::vector<std::string> imap_quirks(const Account& account, const std::vector<Preset>& known = presets());

}  // namespace mailroom::host
