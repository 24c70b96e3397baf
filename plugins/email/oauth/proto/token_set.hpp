// The secret field `oauth_tokens`: all that a sign-in or a renewal brought, in one JSON text, so that one
// durable write saves it. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "host/oauth_settings.hpp"
#include "oauth/proto/answers.hpp"
#include "support/secret.hpp"

namespace mailroom::oauth {

inline constexpr std::string_view kTokensField = "oauth_tokens";

struct TokenSet {
  aoh::Secret access, refresh;        ///< either may be empty
  std::int64_t obtained_unix_ns = 0;  ///< when the request for it went out, this machine's clock
  std::int64_t expires_unix_ns = 0;
  std::string settings;       ///< settings_print() of what it was asked for with
  std::string sign_in_again;  ///< why somebody must; empty: nobody must

  /// May the access token be given out at that time? Not when the clock was set back behind its making.
  bool live(std::int64_t now_unix_ns, std::string_view settings_print) const;
  /// Is it time to renew it: within the last third of its life, at most five minutes?
  bool due(std::int64_t now_unix_ns) const;

  aoh::Secret dump() const;
  /// An empty set where `text` is none of ours.
  static TokenSet parse(std::string_view text);
};

/// How long before its end a token of that life is renewed.
std::int64_t renewal_margin_ns(std::int64_t life_ns);

/// The set after an answer: a refresh token that it does not bring stays.
TokenSet renewed(const TokenSet& before, Tokens tokens, std::int64_t asked_unix_ns,
                 std::string settings_print);

/// Changes when the settings do that a token was asked for with: endpoint, client, scopes, subject. Tells
/// nothing secret.
std::string settings_print(const host::OAuthSettings& settings);

/// May a refresh token that was got under the print `saved` be shown under `now`: to the same endpoint, for
/// the same client? Nobody else is to see it.
bool refresh_belongs_to(std::string_view saved, std::string_view now);

}  // namespace mailroom::oauth
