// SASL as both IMAP and SMTP speak it (RFC 4422): the mechanisms behind one small interface.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "support/secret.hpp"

namespace mailroom::auth {

/// What a sign-in needs: a password or an access token. Where there is a token, only mechanisms that take
/// tokens are used, and the password is not looked at.
struct Credentials {
  std::string user;      ///< UTF-8, at most 1,024 bytes, no NUL
  aoh::Secret password;  ///< at most 8,192 bytes, no NUL
  aoh::Secret token{};   ///< OAuth 2 access token, at most 16,384 bytes of visible ASCII (RFC 6750 §2.1)
  /// The only mechanisms that may be used, by name; empty: all but CRAM-MD5.
  std::vector<std::string> mechanisms{};

  Credentials clone() const { return {user, password.clone(), token.clone(), mechanisms}; }
};

/// What mechanisms need to know of the connection. Empty where there is none.
struct Circumstances {
  std::string nonce;             ///< random, fresh for each connection: printable ASCII without comma
  std::string tls_exporter;      ///< channel binding of RFC 9266: TLS 1.3 only
  std::string server_end_point;  ///< channel binding of RFC 5929 §4: hash of the server's certificate
  std::string host{};            ///< that one has connected to
  unsigned port = 0;
};

/// One sign-in by one mechanism: made, asked for initial(), fed each challenge, told of the server's yes,
/// then thrown away. Pure; one thread at a time. All bytes are raw: the protocol does base64 and line ends.
class Mechanism {
 public:
  virtual ~Mechanism() = default;
  /// The name as servers announce it: "PLAIN".
  virtual std::string_view name() const = 0;
  /// The response that may ride on the command, or be the answer to a first, empty challenge (RFC 4422 §3.3);
  /// nothing when the server speaks first. Called once, before any step().
  virtual std::optional<aoh::Secret> initial() = 0;
  /// The answer to one challenge. Throws Failure(protocol) for a challenge that the mechanism does not
  /// expect, and where the server cannot be who it says.
  virtual aoh::Secret step(std::string_view challenge) = 0;
  /// The server says that we are signed in. Throws Failure(protocol) where it has not proven who it is.
  virtual void succeeded() const {}
  /// Has the server heard all it needs to judge the credentials? Then no other mechanism may be tried with
  /// them: accounts are locked after a few wrong tries.
  virtual bool judged() const = 0;
  /// Did the server say, within the mechanism, that it cannot do it this way?
  virtual bool unsupported() const { return false; }
  /// What the server has told within the mechanism, a stranger's words; empty: nothing.
  virtual std::string said() const { return {}; }
};

std::unique_ptr<Mechanism> plain(const Credentials& credentials);  ///< RFC 4616
/// draft-murchison-sasl-login: user, then password
std::unique_ptr<Mechanism> login(const Credentials& credentials);
std::unique_ptr<Mechanism> cram_md5(const Credentials& credentials);  ///< RFC 2195
/// Google's and Microsoft's, with an access token
std::unique_ptr<Mechanism> xoauth2(const Credentials& credentials);
/// RFC 7628, with an access token
std::unique_ptr<Mechanism> oauthbearer(const Credentials& credentials, const Circumstances& circumstances);

/// Throws Failure(invalid) when a user name, password or token cannot be sent by any mechanism (empty user,
/// NUL, too long, a token that is no visible ASCII).
void check(const Credentials& credentials);

}  // namespace mailroom::auth
