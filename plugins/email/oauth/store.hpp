// Access tokens for all who sign in: renewed ahead of their end, once for all callers, saved before use.
#pragma once
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/runtime.hpp"
#include "host/tokens.hpp"
#include "oauth/saved.hpp"

namespace mailroom::oauth {

/// Thread-safe. Every hand-out reads the vault, so that it is allowed and audited for its own bearer, and so
/// that what another process saved is used. Renewals run on strands of their own and go on when those who
/// asked have given up: what a server answers may replace what is stored. The runtime must outlive it.
class TokenStore final : public host::TokenSource {
 public:
  explicit TokenStore(host::Runtime& runtime);
  ~TokenStore() override;

  net::Task<host::SignIn> sign_in(net::Executor executor, host::Account account, std::string bearer) override;
  void rejected(const host::Account& account, std::string_view generation) override;

  /// Lets renewals that are under way end, for so long at most, and begins none any more. Before the runtime
  /// stops.
  void drain(std::chrono::milliseconds most);

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace mailroom::oauth
