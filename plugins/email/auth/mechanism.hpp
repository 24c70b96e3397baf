// SASL as both IMAP and SMTP speak it (RFC 4422): the mechanisms behind one small interface.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "support/secret.hpp"

namespace mailroom::auth {

/// What a sign-in needs: a password or an access token. Where there is a token, only mechanisms that take
/// tokens are used, and the password is not looked at.
struct Credentials {
  std::string user;      ///< UTF-8, at most 1,024 bytes, no NUL
  aoh::Secret password;  ///< at most 8,192 bytes, no NUL
  aoh::Secret token{};   ///< OAuth 2 access token, at most 16,384 bytes of visible ASCII (RFC 6750 §2.1)

  Credentials clone() const { return {user, password.clone(), token.clone()}; }
};

/// One sign-in by one mechanism: made, asked for initial(), fed each challenge, then thrown away. Pure; one
/// thread at a time. All bytes are raw: the protocol does base64 and line ends.
class Mechanism {
 public:
  virtual ~Mechanism() = default;
  /// The name as servers announce it: "PLAIN".
  virtual std::string_view name() const = 0;
  /// The response that may ride on the command (RFC 4422 §3.3), or nothing when the server speaks first.
  virtual std::optional<aoh::Secret> initial() = 0;
  /// The answer to one challenge. Throws Failure(protocol) for a challenge that the mechanism does not
  /// expect.
  virtual aoh::Secret step(std::string_view challenge) = 0;
};

std::unique_ptr<Mechanism> plain(const Credentials& credentials);  ///< RFC 4616
std::unique_ptr<Mechanism> login(
    const Credentials& credentials);  ///< draft-murchison-sasl-login: user, then password

/// The strongest of `offered` (upper or lower case) that these credentials can use; null when there is none.
std::unique_ptr<Mechanism> choose(std::span<const std::string> offered, const Credentials& credentials);

/// Throws Failure(invalid) when a user name, password or token cannot be sent by any mechanism (empty user,
/// NUL, too long, a token that is no visible ASCII).
void check(const Credentials& credentials);

/// A server's words about a sign-in, or a remark in their place when they repeat what was sent: servers quote
/// the line that they do not understand, and the line may be the password, plain or in base64.
std::string without_secrets(std::string_view words, const Credentials& credentials);

}  // namespace mailroom::auth
