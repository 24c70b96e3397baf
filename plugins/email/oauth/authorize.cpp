#include "oauth/authorize.hpp"

#include "host/random.hpp"
#include "net/alarm.hpp"
#include "oauth/ask.hpp"
#include "oauth/client.hpp"
#include "oauth/loopback.hpp"
#include "oauth/proto/requests.hpp"
#include "oauth/saved.hpp"

namespace mailroom::oauth {
namespace {

using std::chrono::seconds;

constexpr std::size_t kVerifier = 64;  // characters of 5 bits (RFC 7636 §4.1 wants 43 to 128)
constexpr std::size_t kState = 32;
constexpr std::int64_t kSlowDown = 5;  // seconds more between two questions (RFC 8628 §3.5)

/// Ends a job a little ahead of its call, so that it is us who say what happened, and not the host that
/// nobody answered.
class Curfew {
 public:
  Curfew(host::Runtime& runtime, const aoh::Call& call, const std::shared_ptr<host::Job>& job)
      : clock_(runtime.clock()) {
    if (call.deadline_ns() == INT64_MAX) return;
    const std::int64_t left = std::max<std::int64_t>(0, call.deadline_ns() - clock_.now_ns());
    const std::int64_t early = std::min<std::int64_t>(2'000'000'000, left / 4);
    timer_ = clock_.schedule(call.deadline_ns() - early, [job] { job->cancel(Errc::timeout); });
  }
  ~Curfew() {
    if (timer_ != 0) clock_.cancel(timer_);
  }
  Curfew(const Curfew&) = delete;
  Curfew& operator=(const Curfew&) = delete;

 private:
  net::Clock& clock_;
  net::Clock::TimerId timer_ = 0;
};

/// What a coroutine that may outlive the call needs: copies.
struct Work {
  host::Runtime& runtime;
  std::shared_ptr<host::Job> job;
  host::Account account;
  aoh::Secret client_secret;

  std::string endpoint() const {
    return host::parse_url(account.oauth->token_endpoint, "oauth").host_field();
  }
  net::TraceSink trace() const { return runtime.trace("oauth " + endpoint()); }
};

struct Got {
  Tokens tokens;
  std::int64_t at_unix_ns = 0;
};

net::Task<std::shared_ptr<Got>> exchange(std::shared_ptr<Work> w, net::Executor executor, aoh::Secret body,
                                         aoh::Secret sent) {
  const auto got = std::make_shared<Got>();
  got->at_unix_ns = w->runtime.services().clock.wall_ns();
  const http::HttpResponse response =
      co_await post(executor, w->runtime.net(), *w->account.oauth, w->account.oauth->token_endpoint,
                    std::move(body), w->trace());
  const std::string_view secrets[] = {w->client_secret.reveal(), sent.reveal()};
  Answer a = read_tokens(response, w->endpoint(), secrets);
  if (a.kind != Answer::Kind::tokens) throw Failure(a.error);
  got->tokens = std::move(a.tokens);
  co_return got;
}

net::Task<std::shared_ptr<Got>> by_browser(std::shared_ptr<Work> w, std::shared_ptr<Loopback> listener,
                                           std::string redirect_uri, std::string path, std::string state,
                                           std::string verifier, net::Executor executor) {
  Redirect back = co_await listener->wait(executor, w->runtime.clock(), w->job, path, state);
  if (back.kind != Redirect::Kind::code) throw Failure(back.error);
  aoh::Secret body =
      code_request(*w->account.oauth, w->client_secret.reveal(), back.code.reveal(), verifier, redirect_uri);
  std::shared_ptr<Got> got = co_await exchange(w, executor, std::move(body), std::move(back.code));
  co_return got;
}

net::Task<std::shared_ptr<DeviceCode>> begin_device(std::shared_ptr<Work> w, net::Executor executor) {
  const host::OAuthSettings& s = *w->account.oauth;
  aoh::Secret body = device_request(s, w->client_secret.reveal());
  const http::HttpResponse response =
      co_await post(executor, w->runtime.net(), s, s.device_endpoint, std::move(body), w->trace());
  const std::string_view secrets[] = {w->client_secret.reveal()};
  co_return std::make_shared<DeviceCode>(read_device_code(response, w->endpoint(), secrets));
}

net::Task<std::shared_ptr<Got>> by_device(std::shared_ptr<Work> w, std::shared_ptr<DeviceCode> code,
                                          net::Executor executor) {
  const host::OAuthSettings& s = *w->account.oauth;
  net::Clock& clock = w->runtime.clock();
  const auto alarm = std::make_shared<net::Alarm>(executor, clock);
  const std::int64_t end = net::after(clock.now_ns(), seconds(code->life_s));
  std::int64_t interval = code->interval_s;
  const std::string_view secrets[] = {w->client_secret.reveal(), code->device_code.reveal()};
  const host::Job::Abortable abortable(*w->job, [weak = std::weak_ptr(alarm), executor] {
    boost::asio::post(executor, [weak] {
      if (const auto a = weak.lock()) a->poke();
    });
  });
  for (;;) {
    w->job->check();
    if (clock.now_ns() >= end)
      throw Failure(Errc::timeout, "the code ran out before anybody entered it", w->endpoint(),
                    "Begin again");
    co_await alarm->wait_for(seconds(interval));
    w->job->check();
    const auto got = std::make_shared<Got>();
    got->at_unix_ns = w->runtime.services().clock.wall_ns();
    aoh::Secret body = device_token_request(s, w->client_secret.reveal(), code->device_code.reveal());
    Answer a;
    try {
      const http::HttpResponse response =
          co_await post(executor, w->runtime.net(), s, s.token_endpoint, std::move(body), w->trace());
      a = read_tokens(response, w->endpoint(), secrets);
    } catch (const Failure& f) {
      if (!is_temporary(f.error.code)) throw;
      a.kind = Answer::Kind::slow_down;  // RFC 8628 §3.5: a lost connection, too, asks for less
    }
    if (a.kind == Answer::Kind::tokens) {
      got->tokens = std::move(a.tokens);
      co_return got;
    }
    if (a.kind == Answer::Kind::slow_down)
      interval += kSlowDown;
    else if (a.kind == Answer::Kind::later)
      interval = std::max<std::int64_t>(interval + kSlowDown, a.wait.value_or(seconds(0)).count());
    else if (a.kind != Answer::Kind::pending)
      throw Failure(a.error);
  }
}

std::shared_ptr<Got> sign_in_by_browser(aoh::Call& call, const std::shared_ptr<Work>& w,
                                        const std::function<void(const std::string&)>& say) {
  const host::OAuthSettings& s = *w->account.oauth;
  const host::Url wanted = host::parse_url(s.redirect_uri, "oauth.redirect_uri");
  const bool fixed = s.redirect_uri.find(':', s.redirect_uri.find("://") + 3) != std::string::npos;
  const auto listener = std::make_shared<Loopback>(fixed ? wanted.port : std::uint16_t{0});
  // As it was registered but for the port: some providers compare the rest byte by byte.
  const auto authority_end = s.redirect_uri.find('/', 7);
  std::string redirect_uri = s.redirect_uri;
  if (!fixed)
    redirect_uri = "http://" + wanted.host + ":" + std::to_string(listener->port()) +
                   (authority_end == std::string::npos ? "" : s.redirect_uri.substr(authority_end));
  const std::string state = host::random_token(kState), verifier = host::random_token(kVerifier);
  say("Open this address in a browser on this machine, and sign in as " + w->account.username + ":");
  say(authorization_url(s, redirect_uri, state, code_challenge(verifier), w->account.username));
  const Curfew curfew(w->runtime, call, w->job);
  return w->runtime.run<std::shared_ptr<Got>>(
      call, w->job,
      [w, listener, redirect_uri, path = wanted.target, state, verifier](net::Executor executor) {
        return by_browser(w, listener, redirect_uri, path, state, verifier, std::move(executor));
      });
}

std::shared_ptr<Got> sign_in_by_device(aoh::Call& call, const std::shared_ptr<Work>& w,
                                       const std::function<void(const std::string&)>& say) {
  const auto code = w->runtime.run<std::shared_ptr<DeviceCode>>(
      call, w->job, [w](net::Executor executor) { return begin_device(w, std::move(executor)); });
  say("On any device, open " + code->verification_uri + " and enter the code " + code->user_code + ", as " +
      w->account.username);
  if (!code->verification_uri_complete.empty()) say("or open " + code->verification_uri_complete);
  // A job waits once.
  w->job = std::make_shared<host::Job>(call.id());
  const Curfew curfew(w->runtime, call, w->job);
  return w->runtime.run<std::shared_ptr<Got>>(
      call, w->job, [w, code](net::Executor executor) { return by_device(w, code, std::move(executor)); });
}

/// Whatever is stored meanwhile: the person has just said whose account it is.
void store(const host::Services& services, const host::Account& account, const std::string& bearer,
           Got& got) {
  const std::vector<std::string> bearers{bearer};
  constexpr int kAttempts = 10;
  const TokenSet next = renewed({}, std::move(got.tokens), got.at_unix_ns, settings_print(*account.oauth));
  std::uint64_t version = 0;
  for (int i = 0; i < kAttempts; ++i) {
    const Saved now = read_saved(services, account.id, bearers);
    if (!save(services, account.id, bearers, now.version, next, version, true)) continue;
    clear_attention(services, account.id);
    return;
  }
  throw Failure(Errc::temporary, "the account's tokens are changed again and again by others",
                "credential " + account.id);
}

}  // namespace

Authorized authorize(host::Runtime& runtime, aoh::Call& call, const host::Account& account,
                     const std::function<void(const std::string&)>& say) {
  if (!account.oauth)
    throw Failure(Errc::config, "the account does not sign in by OAuth 2",
                  "credential " + account.id + ": authentication", "Set it to oauth2, and describe oauth");
  if (!host::needs_a_person(account.oauth->grant))
    throw Failure(Errc::config,
                  "nobody needs to sign in: the grant is " + std::string(host::name(account.oauth->grant)),
                  "credential " + account.id + ": oauth.grant",
                  "host-stub integration test --credential " + account.id + " tells whether it works");
  const auto w =
      std::make_shared<Work>(Work{runtime, std::make_shared<host::Job>(call.id()), account,
                                  secret_or_empty(runtime.services(), account, "client_secret", call.id())});
  const std::shared_ptr<Got> got = account.oauth->grant == host::Grant::device_code
                                       ? sign_in_by_device(call, w, say)
                                       : sign_in_by_browser(call, w, say);
  const Authorized out{!got->tokens.refresh.empty(), got->tokens.life_s};
  store(runtime.services(), account, call.id(), *got);
  return out;
}

}  // namespace mailroom::oauth
