// SCRAM (RFC 5802, RFC 7677): the password is never sent, and the server proves that it knows it, too.
#pragma once
#include "auth/mechanism.hpp"

namespace mailroom::auth {

/// How often the server may ask to hash: fewer make a stolen exchange easy to guess (RFC 7677 §4), more are
/// an attack on our processor (a million take about half a second).
inline constexpr unsigned kScramRoundsLeast = 4'096, kScramRoundsMost = 1'000'000;

struct ScramKind {
  std::string_view name;  ///< "SCRAM-SHA-256-PLUS"
  enum class Hash { sha1, sha256 } hash{};
  /// RFC 5802 §7. none: the server offers no binding, or we have none to offer ('n'); not_offered: we could,
  /// the server did not offer it ('y': a server that did knows that somebody has stripped its offer).
  enum class Binding { none, not_offered, tls_exporter, server_end_point } binding = Binding::none;
};

/// `circumstances.nonce` and the binding's data are not empty.
std::unique_ptr<Mechanism> scram(const ScramKind& kind, const Credentials& credentials,
                                 const Circumstances& circumstances);

}  // namespace mailroom::auth
