#include "oauth/ask.hpp"

#include "host/random.hpp"
#include "net/alarm.hpp"
#include "net/backoff.hpp"
#include "oauth/client.hpp"
#include "oauth/proto/assertion.hpp"
#include "oauth/proto/requests.hpp"

namespace mailroom::oauth {
namespace {

using std::chrono::milliseconds;

constexpr unsigned kAttempts = 3;
constexpr net::Backoff kBetween{milliseconds(500), milliseconds(2'000)};
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kClocksDiffer = 60;  // seconds from which a refused assertion is worth dating anew

Answer of_failure(const Error& error) {
  Answer out;
  out.kind = is_temporary(error.code) ? Answer::Kind::later : Answer::Kind::refused;
  out.error = error;
  return out;
}

}  // namespace

aoh::Secret secret_or_empty(const host::Services& services, const host::Account& account,
                            std::string_view field, std::string_view bearer) {
  try {
    return services.secret(account, field, bearer);
  } catch (const Failure& f) {
    if (f.error.code == Errc::config) return {};
    throw;
  }
}

net::Task<Asked> ask(host::Runtime& runtime, net::Executor executor, const host::Account& account,
                     std::string bearer, std::string_view refresh, Lease* lease) {
  const host::Services& services = runtime.services();
  const host::OAuthSettings& settings = *account.oauth;
  const std::string where = "credential " + account.id;
  const bool signs = settings.grant == host::Grant::service_account;
  // Not every application has one; what a server thinks of its absence, it says.
  const aoh::Secret client_secret =
      signs ? aoh::Secret() : secret_or_empty(services, account, "client_secret", bearer);
  ServiceKey key;
  if (signs) {
    const aoh::Secret text = services.secret(account, "service_account_key", bearer);
    key = read_service_key(text.reveal(), where + ": service_account_key");
  }
  const std::string_view secrets[] = {client_secret.reveal(), refresh};
  net::Alarm pause(executor, runtime.clock());
  Asked out;
  std::int64_t clocks_differ_s = 0;
  bool dated_anew = false;
  for (unsigned attempt = 0;; ++attempt) {
    if (lease && !lease->take())
      throw Failure(Errc::temporary, "another process renews the account's token", where);
    out.at_unix_ns = services.clock.wall_ns();
    aoh::Secret body;
    if (signs) {
      const aoh::Secret jwt =
          assertion(settings, key, out.at_unix_ns / kSecond + clocks_differ_s, host::random_token(), where);
      body = assertion_request(settings, jwt.reveal());
    } else if (settings.grant == host::Grant::client_credentials) {
      body = client_credentials_request(settings, client_secret.reveal());
    } else {
      body = refresh_request(settings, client_secret.reveal(), refresh);
    }
    const std::string endpoint = host::parse_url(settings.token_endpoint, where).host_field();
    const net::TraceSink trace = runtime.trace("oauth " + endpoint);
    try {
      const http::HttpResponse response =
          co_await post(executor, runtime.net(), settings, settings.token_endpoint, std::move(body), trace);
      out.answer = read_tokens(response, endpoint, secrets);
    } catch (const Failure& f) {
      out.answer = of_failure(f.error);
    }
    const Answer& a = out.answer;
    if (signs && a.kind == Answer::Kind::invalid_grant && a.server_unix_s && !dated_anew) {
      clocks_differ_s = *a.server_unix_s - services.clock.wall_ns() / kSecond;
      dated_anew = true;
      if (std::abs(clocks_differ_s) > kClocksDiffer) continue;
    }
    if (a.kind != Answer::Kind::later || attempt + 1 >= kAttempts) break;
    if (a.wait && *a.wait > kWaitWithin) break;
    const milliseconds between =
        a.wait ? milliseconds(*a.wait) : kBetween.delay(attempt, host::random_number());
    co_await pause.wait_for(between);
  }
  co_return std::move(out);
}

}  // namespace mailroom::oauth
