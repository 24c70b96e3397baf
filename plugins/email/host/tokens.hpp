// Signing in, whatever with: a password from the vault, or an access token from whoever is wired in.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "auth/mechanism.hpp"
#include "base/error.hpp"
#include "host/account.hpp"
#include "net/asio.hpp"

namespace mailroom::host {

class Runtime;

struct SignIn {
  auth::Credentials credentials;
  std::string generation;                  ///< changes with the secret and tells nothing of it
  std::int64_t good_until_ns = INT64_MAX;  ///< the runtime clock's: when the token runs out
  bool renewable = false;                  ///< should a server refuse it: is there another one to be had?
};

/// Where access tokens come from (oauth/store.hpp). Thread-safe.
class TokenSource {
 public:
  virtual ~TokenSource() = default;
  /// A live token for an account with `oauth`; renews it if need be, once for all who ask. `bearer`: the call
  /// or trigger on whose behalf. Throws Failure: auth (somebody must sign in), auth_throttled, temporary,
  /// refused (not granted), config, and those of a connection.
  virtual net::Task<SignIn> sign_in(net::Executor executor, Account account, std::string bearer) = 0;
  /// A mail server refused the token of that generation: it is not given out again.
  virtual void rejected(const Account& account, std::string_view generation) = 0;
};

/// What signing in to the account's servers needs. Throws Failure.
net::Task<SignIn> sign_in(Runtime& runtime, net::Executor executor, Account account, std::string bearer);

/// Signs in and runs `connect` with it; where the server refuses a token (Errc::auth), once more with a new
/// one. Throws what the second attempt throws.
template <typename T>
net::Task<T> with_sign_in(Runtime& runtime, net::Executor executor, Account account, std::string bearer,
                          std::function<net::Task<T>(SignIn)> connect);

/// The second attempt's sign-in, after `refused` of a token that was good until then; or that error anew.
net::Task<SignIn> sign_in_anew(Runtime& runtime, net::Executor executor, Account account, std::string bearer,
                               std::string generation, bool renewable, std::int64_t good_until_ns,
                               Error refused);

template <typename T>
net::Task<T> with_sign_in(Runtime& runtime, net::Executor executor, Account account, std::string bearer,
                          std::function<net::Task<T>(SignIn)> connect) {
  SignIn first = co_await sign_in(runtime, executor, account, bearer);
  const std::string generation = first.generation;
  const bool renewable = first.renewable;
  const std::int64_t good_until = first.good_until_ns;
  Error refused;
  try {
    co_return co_await connect(std::move(first));
  } catch (const Failure& f) {
    if (f.error.code != Errc::auth) throw;
    refused = f.error;
  }
  SignIn second =
      co_await sign_in_anew(runtime, executor, account, bearer, generation, renewable, good_until, refused);
  co_return co_await connect(std::move(second));
}

}  // namespace mailroom::host
