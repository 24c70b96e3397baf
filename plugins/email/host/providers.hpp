// What a mail provider allows and does: manifests/providers.json, and what the credential record says
// instead. Pure.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/account.hpp"
#include "support/json.hpp"

namespace mailroom::host {

/// One way to sign in at a provider.
struct Method {
  std::string name;         ///< as the record's `authentication`: "oauth2", "app_password", "password"
  std::string instruction;  ///< one line for people: where it is got
};

/// One entry of providers.json. What it does not know is absent.
struct Preset {
  std::string name, title;
  std::vector<std::string> hosts;           ///< lower case; matches itself and every name below it
  std::vector<std::string> domains;         ///< lower case: of the addresses it hands out
  std::vector<std::string> mx;              ///< lower case: MX hosts of the domains it hosts, likewise
  std::optional<net::Endpoint> imap, smtp;  ///< its servers, for who sets an account up
  std::vector<Method> authentication;       ///< recommended first
  aoh::Json
      oauth;  ///< where its tokens come from, as the record's `oauth` has it, and `grants`; null: not known
  std::optional<SentCopy> sent_copy;
  SendLimits limits;
  std::optional<std::chrono::seconds> idle_renew;     ///< 10 s to 29 min
  std::optional<std::chrono::seconds> poll_interval;  ///< 1 s to 1 h
  std::vector<std::string> quirks;  ///< what its IMAP servers do, by the names of imap/proto/quirks.hpp
};

/// The entries of a document like providers.json. Throws Failure(config) that names the entry and the field:
/// figures out of range, an unknown member, a fact without its source or date.
std::vector<Preset> presets_from(const aoh::Json& document);

/// Those that the plugin was built with.
const std::vector<Preset>& presets();

// Which preset is it? Borrowed from `known`; null where none matches. ASCII case is ignored; of several the
// longest match counts, never a part of a label.
const Preset* preset_named(std::string_view name, const std::vector<Preset>& known = presets());
/// By the domain of an address ("ann@gmail.com", or "gmail.com").
const Preset* preset_for_address(std::string_view address, const std::vector<Preset>& known = presets());
/// By the name of a mail exchanger of the address's domain.
const Preset* preset_for_mx(std::string_view host, const std::vector<Preset>& known = presets());
/// By the name of an IMAP or SMTP server.
const Preset* preset_for_host(std::string_view host, const std::vector<Preset>& known = presets());

/// The account's preset: the one that its record names, else that of its SMTP server, else of its IMAP
/// server. Throws Failure(config) where the record names one that is not known.
const Preset* preset_of(const Account& account, const std::vector<Preset>& known = presets());

/// How sending through an account goes.
struct Provider {
  std::string name;  ///< "gmail"; empty: none that is known
  /// append where nothing is known: append_sent() looks for a copy of the server's first.
  SentCopy sent_copy = SentCopy::append;
  SendLimits limits;
  aoh::Json oauth;  ///< the preset's; null: none
};

/// By preset_of(), each figure replaced by the credential record's own where it has one.
Provider provider_for(const Account& account, const std::vector<Preset>& known = presets());

/// What the account's IMAP server is known to do, by names: by the preset that the record names, else by its
/// IMAP server's host alone, whoever sends; the credential record's own `quirks` instead, where it has some.
std::vector<std::string> imap_quirks(const Account& account, const std::vector<Preset>& known = presets());

/// How a mailbox is watched: the record's figures, else the shorter of the preset's (found as for
/// imap_quirks()) and those given.
struct WatchTimes {
  std::chrono::seconds idle_renew, poll_interval;
};
WatchTimes watch_times(const Account& account, WatchTimes usual,
                       const std::vector<Preset>& known = presets());

}  // namespace mailroom::host
