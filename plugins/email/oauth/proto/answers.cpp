#include "oauth/proto/answers.hpp"

#include <algorithm>
#include <charconv>

#include "support/json.hpp"

namespace mailroom::oauth {
namespace {

constexpr aoh::JsonLimits kJson{kMostAnswer, 16, 2'000};

std::optional<std::int64_t> whole(std::string_view text) {
  std::int64_t n = 0;
  if (text.empty() || text.size() > 15) return std::nullopt;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc() || end != text.data() + text.size() || n < 0) return std::nullopt;
  return n;
}

/// Seconds; some servers write the number as a string.
std::int64_t seconds_of(const aoh::Json& value, std::int64_t fallback) {
  if (value.is_string()) return whole(value.str()).value_or(fallback);
  return value.is_number() ? value.integer(fallback) : fallback;
}

/// Visible ASCII (RFC 6750 §2.1); what else came would break the sign-in apart.
bool is_token(std::string_view s) {
  return !s.empty() && s.size() <= kMostToken &&
         std::all_of(s.begin(), s.end(), [](unsigned char c) { return c > 0x20 && c < 0x7F; });
}

std::string words(const aoh::Json& body, std::span<const std::string_view> secrets) {
  std::string text = body["error"].str();
  if (const std::string& more = body["error_description"].str(); !more.empty())
    text += (text.empty() ? "" : ": ") + more;
  constexpr std::size_t kTooShortToSearch = 4;
  for (const std::string_view s : secrets)
    if (s.size() >= kTooShortToSearch && text.find(s) != std::string::npos)
      return "(it repeats what was sent; withheld)";
  return printable(text, 300);
}

/// The object that the body holds; null where it is none.
aoh::Json body_of(const http::HttpResponse& r) {
  try {
    aoh::Json j = aoh::Json::parse(r.body, kJson);
    return j.is_object() ? j : aoh::Json();
  } catch (const aoh::JsonError&) {
    return {};
  }
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

Answer refusal(const http::HttpResponse& r, const aoh::Json& body, const std::string& where,
               std::span<const std::string_view> secrets) {
  Answer out;
  out.server_unix_s = read_http_date(r.field("date"));
  out.wait = read_retry_after(r.field("retry-after"), out.server_unix_s);
  const std::string& code = body["error"].str();
  const std::string status = " (HTTP " + std::to_string(r.status) + ")";
  const auto say = [&](Answer::Kind kind, Errc errc, std::string what, std::string cure = {}) {
    out.kind = kind;
    out.error = {errc, std::move(what), where, words(body, secrets), std::move(cure)};
  };
  if (r.status == 429)
    say(Answer::Kind::later, Errc::auth_throttled, "the token endpoint asks to wait" + status,
        "It is tried again by itself; the sign-in itself was not refused");
  else if (r.status >= 500 || one_of(code, {"temporarily_unavailable", "server_error"}))
    say(Answer::Kind::later, Errc::temporary, "the token endpoint is not available" + status,
        "It is tried again by itself");
  else if (code == "authorization_pending")
    say(Answer::Kind::pending, Errc::temporary, "nobody has entered the code yet");
  else if (code == "slow_down")
    say(Answer::Kind::slow_down, Errc::temporary, "the token endpoint asks to be asked less often");
  else if (one_of(code, {"invalid_grant", "interaction_required", "consent_required", "login_required"}))
    say(Answer::Kind::invalid_grant, Errc::auth, "the token endpoint does not take the grant any more");
  else if (one_of(code, {"invalid_client", "unauthorized_client"}))
    say(Answer::Kind::refused, Errc::auth, "the token endpoint refuses the application" + status,
        "Check oauth.client_id and the secret client_secret against the application's registration");
  else if (code == "invalid_scope")
    say(Answer::Kind::refused, Errc::config, "the token endpoint does not know or allow the scopes",
        "Check oauth.scopes against the application's registration");
  else if (code == "access_denied")
    say(Answer::Kind::refused, Errc::refused, "consent was denied", "Sign in again, and allow the access");
  else if (code == "expired_token")
    say(Answer::Kind::refused, Errc::timeout, "the code ran out before anybody entered it", "Begin again");
  else if (r.status >= 300 && r.status < 400)
    say(Answer::Kind::refused, Errc::config,
        "the token endpoint leads elsewhere, which is not followed" + status, "Name the endpoint itself");
  else if (r.status >= 400)
    say(Answer::Kind::refused, Errc::refused, "the token endpoint refuses the request" + status,
        "Check the credential's oauth member against the application's registration");
  else
    say(Answer::Kind::refused, Errc::protocol,
        "what came from the token endpoint is no answer to it" + status, "Check the endpoint's address");
  return out;
}

}  // namespace

Answer read_tokens(const http::HttpResponse& r, const std::string& where,
                   std::span<const std::string_view> secrets) {
  const aoh::Json body = body_of(r);
  if (r.status != 200 || !body["access_token"].is_string()) return refusal(r, body, where, secrets);
  Answer out;
  out.server_unix_s = read_http_date(r.field("date"));
  const std::string& type = body["token_type"].str();
  const bool bearer =
      type.empty() || std::equal(type.begin(), type.end(), std::begin("bearer"), std::end("bearer") - 1,
                                 [](char a, char b) { return (a | 0x20) == b; });
  const std::string& refresh = body["refresh_token"].str();
  if (!bearer || !is_token(body["access_token"].str()) || (!refresh.empty() && !is_token(refresh))) {
    out.error = {Errc::protocol,
                 "the token endpoint gives a token that cannot be used for mail",
                 where,
                 {},
                 "Mail servers take bearer tokens of at most 16,384 visible characters"};
    return out;
  }
  out.kind = Answer::Kind::tokens;
  out.tokens.access = aoh::Secret(body["access_token"].str());
  if (!refresh.empty()) out.tokens.refresh = aoh::Secret(refresh);
  out.tokens.life_s = std::clamp<std::int64_t>(seconds_of(body["expires_in"], kAssumedLife), 1, kMostLife);
  return out;
}

DeviceCode read_device_code(const http::HttpResponse& r, const std::string& where,
                            std::span<const std::string_view> secrets) {
  const aoh::Json body = body_of(r);
  // Google writes verification_url.
  const std::string uri = body["verification_uri"].str_or(body["verification_url"].str());
  if (r.status != 200 || !body["device_code"].is_string() || uri.empty() || body["user_code"].str().empty())
    throw Failure(refusal(r, body, where, secrets).error);
  DeviceCode out;
  out.device_code = aoh::Secret(body["device_code"].str());
  out.user_code = printable(body["user_code"].str(), 100);
  out.verification_uri = printable(uri, 1000);
  out.verification_uri_complete = printable(body["verification_uri_complete"].str(), 2000);
  out.life_s = std::clamp<std::int64_t>(seconds_of(body["expires_in"], kAssumedLife), 1, 3600);
  out.interval_s = std::clamp<std::int64_t>(seconds_of(body["interval"], 5), 1, 300);
  return out;
}

std::optional<std::chrono::seconds> read_retry_after(std::string_view text,
                                                     std::optional<std::int64_t> now_unix_s) {
  std::optional<std::int64_t> s = whole(text);
  if (!s && now_unix_s)
    if (const auto at = read_http_date(text)) s = std::max<std::int64_t>(0, *at - *now_unix_s);
  if (!s) return std::nullopt;
  return std::min(kMostWait, std::chrono::seconds(*s));
}

std::optional<std::int64_t> read_http_date(std::string_view text) {
  // "Sun, 06 Nov 1994 08:49:37 GMT"
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || text.substr(25) != " GMT" || text[3] != ',' || text[4] != ' ' || text[7] != ' ' ||
      text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':')
    return std::nullopt;
  const auto month = kMonths.find(text.substr(8, 3));
  const auto day = whole(text.substr(5, 2)), year = whole(text.substr(12, 4)), h = whole(text.substr(17, 2)),
             m = whole(text.substr(20, 2)), s = whole(text.substr(23, 2));
  if (month == std::string_view::npos || month % 3 || !day || !year || !h || !m || !s || *day < 1 ||
      *day > 31 || *h > 23 || *m > 59 || *s > 60 || *year < 1970)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * 86'400LL + *h * 3600 + *m * 60 + *s;
}

}  // namespace mailroom::oauth
