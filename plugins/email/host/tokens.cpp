#include "host/tokens.hpp"

#include "host/runtime.hpp"

namespace mailroom::host {

net::Task<SignIn> sign_in(Runtime& runtime, net::Executor executor, Account account, std::string bearer) {
  if (!account.oauth2) {
    SignIn out;
    out.credentials = runtime.services().sign_in(account, bearer, &out.generation);
    co_return out;
  }
  TokenSource* const tokens = runtime.tokens();
  if (!tokens || !account.oauth)
    throw Failure(Errc::unsupported, "signing in with tokens is not wired here", "credential " + account.id);
  SignIn out = co_await tokens->sign_in(executor, std::move(account), std::move(bearer));
  co_return out;
}

net::Task<SignIn> sign_in_anew(Runtime& runtime, net::Executor executor, Account account, std::string bearer,
                               std::string generation, bool renewable, std::int64_t good_until_ns,
                               Error refused) {
  TokenSource* const tokens = runtime.tokens();
  const bool ran_out = runtime.clock().now_ns() >= good_until_ns;  // on the way there
  if (!(renewable || ran_out) || !account.oauth2 || !tokens) throw Failure(std::move(refused));
  tokens->rejected(account, generation);
  SignIn out = co_await tokens->sign_in(executor, std::move(account), std::move(bearer));
  co_return out;
}

}  // namespace mailroom::host
