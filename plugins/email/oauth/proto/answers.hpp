// What a token endpoint answers, read: tokens, codes, refusals (RFC 6749 §5, RFC 8628 §3). Pure.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "http/exchange.hpp"
#include "support/secret.hpp"

namespace mailroom::oauth {

inline constexpr std::size_t kMostAnswer = 64u << 10;      ///< bytes of an answer's body
inline constexpr std::size_t kMostToken = 16u << 10;       ///< bytes of one token
inline constexpr std::int64_t kAssumedLife = 600;          ///< seconds, where the answer does not tell
inline constexpr std::int64_t kMostLife = 366LL * 86'400;  ///< seconds; more counts as this
inline constexpr std::chrono::seconds kMostWait{3600};     ///< of a Retry-After; more counts as this

struct Tokens {
  aoh::Secret access, refresh;  ///< refresh may be empty: the old one stays
  std::int64_t life_s = 0;
};

struct Answer {
  enum class Kind {
    tokens,
    pending,        ///< the person has not decided yet (RFC 8628 §3.5)
    slow_down,      ///< the same; ask less often
    invalid_grant,  ///< the code or refresh token is not, or no longer, good
    refused,        ///< anything else that only a person can mend
    later,          ///< 429, 5xx, temporarily_unavailable: the same again may do
  } kind = Kind::refused;
  Tokens tokens;
  Error error;                                ///< set unless tokens
  std::optional<std::chrono::seconds> wait;   ///< the server's Retry-After
  std::optional<std::int64_t> server_unix_s;  ///< its Date
};

/// `where`: the endpoint, for errors. `secrets`: what was sent: words of the server's that repeat one are
/// replaced.
Answer read_tokens(const http::HttpResponse& response, const std::string& where,
                   std::span<const std::string_view> secrets);

struct DeviceCode {
  aoh::Secret device_code;
  std::string user_code, verification_uri, verification_uri_complete;  ///< printable; the last may be empty
  std::int64_t life_s = 0, interval_s = 5;
};
/// Throws Failure.
DeviceCode read_device_code(const http::HttpResponse& response, const std::string& where,
                            std::span<const std::string_view> secrets);

/// "120", or an HTTP date later than `now_unix_s`; capped. Nothing when it is neither.
std::optional<std::chrono::seconds> read_retry_after(std::string_view text,
                                                     std::optional<std::int64_t> now_unix_s);
/// An IMF-fixdate (RFC 9110 §5.6.7) as Unix time.
std::optional<std::int64_t> read_http_date(std::string_view text);

}  // namespace mailroom::oauth
