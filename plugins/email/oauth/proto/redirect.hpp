// The browser's way back: the request that comes to the loopback listener, and the page it gets (RFC 8252).
// Pure.
#pragma once
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "support/secret.hpp"

namespace mailroom::oauth {

inline constexpr std::size_t kMostRequest = 16u << 10;  ///< bytes of the browser's request head

/// What one request on the listener means.
struct Redirect {
  enum class Kind {
    other,    ///< not the way back (a favicon, a scanner): answered, and waited on
    code,     ///< `code` is set
    foreign,  ///< another sign-in's, or made up; `error` is set: refused, and the right one is waited for
    refused,  ///< `error` is set
  } kind = Kind::other;
  aoh::Secret code;
  Error error;
};

/// `head`: the request up to its empty line. `path`: of the redirect URI. `state`: what was sent; a request
/// with another one is `foreign` (RFC 6749 §10.12); one without any parameter, and one whose Host is not
/// 127.0.0.1 or localhost, is `other`.
Redirect read_redirect(std::string_view head, std::string_view path, std::string_view state);

/// The whole HTTP answer: a plain page without scripts, links or anything that was in the request.
std::string page(const Redirect& redirect);

}  // namespace mailroom::oauth
