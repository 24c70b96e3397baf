// Signing a person in: by browser with PKCE over a loopback redirect, or by a code on another device.
#pragma once
#include <functional>
#include <string>

#include "aoh/sdk/call.hpp"
#include "host/runtime.hpp"

namespace mailroom::oauth {

/// What came of it.
struct Authorized {
  bool renewable = false;   ///< did the provider give a refresh token?
  std::int64_t life_s = 0;  ///< of the access token
};

/// On the call's own thread; `say` gets what the person is to do. What comes is saved, and ends a state of
/// 'sign in again'. Throws Failure: config (the account's grant needs no person), refused (consent denied,
/// another's state), timeout, cancelled, and those of the endpoints.
Authorized authorize(host::Runtime& runtime, aoh::Call& call, const host::Account& account,
                     const std::function<void(const std::string&)>& say);

}  // namespace mailroom::oauth
