#include "tools/credential_test.hpp"

#include "host/providers.hpp"
#include "imap/client.hpp"
#include "mime/fence.hpp"
#include "net/look_up.hpp"
#include "smtp/client.hpp"
#include "tools/round_trip.hpp"
#include "tools/store_test.hpp"
#include "tools/trial.hpp"

namespace mailroom::tools {
namespace {

using std::chrono::seconds;

// A person waits for the answer: shorter than where a watcher or a delivery waits.
constexpr net::ConnectTimeouts kConnect{seconds(10), seconds(8), seconds(20), seconds(15)};
constexpr seconds kAnswer{20};  // a server that delays its greeting on purpose takes up to ten

Trial trial_of(const char* server, const net::Endpoint& endpoint) {
  const bool imap = std::string_view(server) == "imap";
  Trial t{server, endpoint, {}};
  t.steps.push_back({"dns"});
  t.steps.push_back({"tcp"});
  if (endpoint.tls != net::TlsMode::none) t.steps.push_back({"tls"});
  t.steps.push_back({"greeting"});
  t.steps.push_back({"authentication"});
  t.steps.push_back({"capabilities"});
  if (imap) t.steps.push_back({"select"});
  return t;
}

/// How far a dialogue has come, told by its redacted trace: the clients answer only for the whole of it.
struct Marks {
  net::Clock& clock;
  net::TraceSink next;       // the operator's own trace
  std::int64_t upgrade = 0;  // when was STARTTLS asked for? 0: not
  std::int64_t tls = 0;      // when was the handshake done?
  std::int64_t sign_in = 0;  // when did the credentials go out?
  std::string version{};     // "TLSv1.3"

  void line(std::string_view text) {
    const std::int64_t now = clock.now_ns();
    if (text.starts_with("-- TLS")) {
      tls = now;
      version = text.substr(3, text.find(' ', 3) - 3);
    } else if (text.starts_with("C: ") && text.ends_with("STARTTLS")) {
      upgrade = now;
    } else if (text.starts_with("C: [") && sign_in == 0) {
      sign_in = now;  // only credentials are withheld in an opening
    }
    if (next) next(text);
  }
};

/// The step that `error` belongs to.
const char* step_of(const Trial& t, const Marks& marks, const Error& error) {
  switch (error.code) {
    case Errc::dns:
      return "dns";
    case Errc::connect:
    case Errc::config:
      return "tcp";
    case Errc::starttls_missing:
    case Errc::certificate:
      return t.endpoint.tls == net::TlsMode::none ? "tcp" : "tls";
    case Errc::auth:
    case Errc::auth_throttled:
    case Errc::unsupported:
      return "authentication";
    default:
      break;
  }
  if (marks.sign_in) return "authentication";
  if (t.endpoint.tls == net::TlsMode::implicit && !marks.tls) return "tls";
  if (t.endpoint.tls == net::TlsMode::starttls && marks.upgrade && !marks.tls) return "tls";
  return "greeting";
}

/// "TLSv1.3, certificate good for 61 days".
std::string words_of(const net::TlsDetails& tls, std::int64_t now_s) {
  const std::int64_t days = tls.days_left(now_s);
  return tls.version + ", certificate good for " + std::to_string(days) + (days == 1 ? " day" : " days");
}

/// Look-up and TCP, and the handshake where TLS is implicit, each timed by itself.
net::Task<void> reach(host::Runtime& runtime, host::Job& job, Trial& trial, net::Executor executor) {
  net::Endpoint plain = trial.endpoint;
  const bool implicit = plain.tls == net::TlsMode::implicit;
  if (implicit) plain.tls = net::TlsMode::starttls;  // so that open() leaves the handshake to us
  const char* at = "dns";
  std::int64_t begun = runtime.clock().now_ns();
  try {
    std::vector<std::string> found = co_await net::look_up(executor, runtime.net(), plain, kConnect.resolve);
    std::string all;
    for (std::size_t i = 0; i < found.size(); ++i)
      all += (i == 0 ? "" : i == 3 ? " ..." : ", ") + (i < 3 ? found[i] : std::string());
    trial.passed(at, runtime.clock().now_ns() - begun, all);
    at = "tcp";
    begun = runtime.clock().now_ns();
    const std::unique_ptr<net::Stream> stream =
        co_await net::open(executor, runtime.net(), plain, {}, kConnect);
    const host::Job::Abortable abortable(job, [&s = *stream] { s.abort(); });
    trial.passed(at, runtime.clock().now_ns() - begun, trial.endpoint.where());
    if (implicit) {
      at = "tls";
      begun = runtime.clock().now_ns();
      co_await stream->start_tls(kConnect.handshake);
      const net::TlsDetails* tls = stream->tls_details();
      trial.passed(at, runtime.clock().now_ns() - begun,
                   tls ? words_of(*tls, runtime.services().clock.wall_ns() / 1'000'000'000) : std::string());
    }
    stream->close();
  } catch (const Failure& f) {
    trial.failed(at, runtime.clock().now_ns() - begun, f.error);
  }
}

/// The session's opening as every tool does it; null when it failed.
template <typename Client, typename Login>
net::Task<std::unique_ptr<Client>> enter(host::Runtime& runtime, Trial& trial, Login login, std::string user,
                                         net::Executor executor) {
  const auto marks = std::make_shared<Marks>(
      Marks{runtime.clock(), runtime.trace(std::string(trial.server) + " " + trial.endpoint.where())});
  // A name of its own: GCC 12 destroys a closure twice that is made within a co_await's arguments.
  const net::TraceSink sink = [marks](std::string_view text) { marks->line(text); };
  const std::int64_t begun = runtime.clock().now_ns();
  std::unique_ptr<Client> client;
  Error error;
  try {
    client = co_await Client::connect(executor, runtime.net(), std::move(login), sink);
  } catch (const Failure& f) {
    error = f.error;
  }
  const std::int64_t now = runtime.clock().now_ns();
  // The greeting began when the connection was there, which only the first connection has timed.
  const std::int64_t connected = trial.endpoint.tls == net::TlsMode::implicit && marks->tls
                                     ? marks->tls
                                     : begun + trial.step("tcp").ms * 1'000'000;
  std::int64_t handshake = 0;
  if (trial.endpoint.tls == net::TlsMode::starttls && marks->tls) handshake = marks->tls - marks->upgrade;
  const std::int64_t signing = marks->sign_in ? marks->sign_in : now;
  const std::string failing = error ? step_of(trial, *marks, error) : "";
  for (Step& s : trial.steps) {
    const std::string_view name = s.name;
    if (name == failing) {
      const std::int64_t since = name == "authentication"          ? signing
                                 : name == "tls" && marks->upgrade ? marks->upgrade
                                                                   : connected;
      trial.failed(name, now - since, std::move(error));
      break;
    }
    const net::TlsDetails* tls = client ? client->tls() : nullptr;
    if (name == "tls" && marks->tls)
      trial.passed(name, handshake ? handshake : s.ms * 1'000'000,
                   tls                ? words_of(*tls, runtime.services().clock.wall_ns() / 1'000'000'000)
                   : s.detail.empty() ? marks->version
                                      : s.detail);
    else if (name == "greeting")
      trial.passed(name, signing - connected - handshake);
    else if (name == "authentication")
      trial.passed(name, now - signing, "as " + user);
  }
  co_return std::move(client);
}

/// Of what a server offers, what makes a difference here, and what its absence means.
std::string words_of(const imap::Capabilities& offers) {
  std::string out;
  for (const char* name :
       {"IDLE", "MOVE", "UIDPLUS", "CONDSTORE", "QRESYNC", "SPECIAL-USE", "SORT", "COMPRESS=DEFLATE"})
    if (offers.has(name)) out += (out.empty() ? "" : " ") + std::string(name);
  return out +
         (offers.has("IDLE") ? "" : std::string(out.empty() ? "" : "; ") + "no IDLE: mailboxes are polled");
}

std::string words_of(const smtp::Capabilities& offers) {
  std::string out;
  const std::pair<bool, const char*> names[] = {{offers.pipelining, "PIPELINING"},
                                                {offers.chunking, "CHUNKING"},
                                                {offers.dsn, "DSN"},
                                                {offers.smtputf8, "SMTPUTF8"},
                                                {offers.require_tls, "REQUIRETLS"}};
  for (const auto& [there, name] : names)
    if (there) out += (out.empty() ? "" : " ") + std::string(name);
  if (offers.max_size)
    out +=
        (out.empty() ? "" : "; ") + ("takes messages of up to " + std::to_string(offers.max_size) + " bytes");
  return out;
}

net::Task<Trial> try_imap(host::Runtime& runtime, std::shared_ptr<host::Job> job,
                          std::shared_ptr<imap::Login> login, net::Executor executor) {
  Trial trial = trial_of("imap", login->endpoint);
  co_await reach(runtime, *job, trial, executor);
  job->check();
  if (trial.has_failed()) co_return trial;
  login->timeouts.greeting = login->timeouts.command = kAnswer;
  const std::string user = login->credentials.user;
  const std::unique_ptr<imap::Client> client =
      co_await enter<imap::Client>(runtime, trial, std::move(*login), user, executor);
  job->check();
  if (!client) co_return trial;
  trial.passed("capabilities", 0, words_of(client->capabilities()));
  const host::Job::Abortable abortable(*job, [&c = *client] { c.abort(); });
  const std::int64_t begun = runtime.clock().now_ns();
  try {
    const imap::MailboxState inbox = co_await client->select("INBOX", true);
    trial.passed("select", runtime.clock().now_ns() - begun,
                 "INBOX has " + std::to_string(inbox.exists) + " messages");
  } catch (const Failure& f) {
    trial.failed("select", runtime.clock().now_ns() - begun, f.error);
  }
  job->check();
  co_await client->logout();
  co_return trial;
}

net::Task<Trial> try_smtp(host::Runtime& runtime, std::shared_ptr<host::Job> job,
                          std::shared_ptr<smtp::Login> login, net::Executor executor) {
  Trial trial = trial_of("smtp", login->endpoint);
  co_await reach(runtime, *job, trial, executor);
  job->check();
  if (trial.has_failed()) co_return trial;
  login->timeouts.greeting = login->timeouts.command = kAnswer;
  const std::string user = login->credentials->user;
  const std::unique_ptr<smtp::Client> client =
      co_await enter<smtp::Client>(runtime, trial, std::move(*login), user, executor);
  job->check();
  if (!client) co_return trial;
  trial.passed("capabilities", 0, words_of(client->capabilities()));
  co_await client->quit();
  co_return trial;
}

/// Empty when there is none, of which account() says more.
std::string type_of(const host::Services& services, std::string_view credential_id) {
  try {
    return services.credentials.get(credential_id)["type"].str();
  } catch (const aoh::StatusError&) {
    return {};
  }
}

/// What signs in to both servers.
host::SignIn sign_in_for(const Toolbox& box, aoh::Call& call, const host::Account& account) {
  auto job = std::make_shared<host::Job>(call.id());
  using Held = std::shared_ptr<host::SignIn>;
  const Held in =
      box.runtime.run<Held>(call, job, [&runtime = box.runtime, job, account](net::Executor executor) {
        return [](host::Runtime& r, std::shared_ptr<host::Job> j, host::Account a,
                  net::Executor x) -> net::Task<Held> {
          host::SignIn got = co_await host::sign_in(r, x, std::move(a), j->call_id());
          co_return std::make_shared<host::SignIn>(std::move(got));
        }(runtime, job, account, std::move(executor));
      });
  return std::move(*in);
}

/// The token alone, first: what is wrong with it is told before any mail server is asked.
Trial token_trial(const Toolbox& box, aoh::Call& call, const host::Account& account,
                  auth::Credentials& credentials) {
  const host::Url url = host::parse_url(account.oauth->token_endpoint, "oauth.token_endpoint");
  Trial trial{"oauth", account.oauth->server(url), {{"token"}}};
  const std::int64_t begun = box.runtime.clock().now_ns();
  try {
    host::SignIn in = sign_in_for(box, call, account);
    const std::int64_t now = box.runtime.clock().now_ns();
    trial.passed("token", now - begun,
                 in.good_until_ns == INT64_MAX
                     ? std::string()
                     : "good for " + std::to_string((in.good_until_ns - now) / 1'000'000'000) + " s");
    credentials = std::move(in.credentials);
  } catch (const Failure& f) {
    if (f.error.code == Errc::cancelled) throw;
    trial.failed("token", box.runtime.clock().now_ns() - begun, f.error);
  }
  return trial;
}

template <typename Login>
Trial run_trial(const Toolbox& box, aoh::Call& call, std::shared_ptr<Login> login,
                net::Task<Trial> (*work)(host::Runtime&, std::shared_ptr<host::Job>, std::shared_ptr<Login>,
                                         net::Executor)) {
  auto job = std::make_shared<host::Job>(call.id());
  return box.runtime.run<Trial>(call, job,
                                [&runtime = box.runtime, job, login, work](net::Executor executor) {
                                  return work(runtime, job, login, std::move(executor));
                                });
}

/// Once both servers work: a message to oneself, there and back.
Trial mail_trial(const Toolbox& box, aoh::Call& call, const host::Account& account,
                 std::shared_ptr<RoundTripPlan> plan) {
  Trial trial{"mail", plan->smtp.endpoint, {{"handed_in"}, {"arrived"}}};
  plan->address = account.identities.front().address;
  plan->unix_s = box.runtime.services().clock.wall_ns() / 1'000'000'000;
  const std::int64_t begun = box.runtime.clock().now_ns();
  auto job = std::make_shared<host::Job>(call.id());
  try {
    const RoundTripResult r = box.runtime.run<RoundTripResult>(
        call, job, [&runtime = box.runtime, job, plan](net::Executor executor) {
          return round_trip(runtime, job, plan, std::move(executor));
        });
    trial.passed("handed_in", r.handed_in_ns);
    trial.passed("arrived", r.arrived_ns, r.removed ? "and removed again" : "it stays in INBOX");
  } catch (const Failure& f) {
    if (f.error.code == Errc::cancelled) throw;
    const bool arriving = f.error.code == Errc::not_found;
    if (arriving) trial.passed("handed_in", 0);
    trial.failed(arriving ? "arrived" : "handed_in", box.runtime.clock().now_ns() - begun, f.error);
  }
  return trial;
}

}  // namespace

aoh::Result credential_test(const Toolbox& box, std::string_view credential_id, aoh::Call& call,
                            bool send_to_self) {
  return answer([&] {
    const host::Services& services = box.runtime.services();
    if (type_of(services, credential_id) == "s3") return store_test(box, credential_id, call);
    const host::Account account = services.account(credential_id);
    if (!account.imap && !account.smtp)
      throw Failure(Errc::config, "the account has neither an IMAP nor an SMTP server",
                    "credential " + account.id, "Add them with host-stub credential add");
    std::vector<Trial> trials;
    const auto plan = std::make_shared<RoundTripPlan>();
    const int total = (account.imap && account.smtp ? 2 : 1) + (send_to_self ? 1 : 0);
    auth::Credentials credentials;
    if (account.oauth)
      trials.push_back(token_trial(box, call, account, credentials));
    else
      credentials = sign_in_for(box, call, account).credentials;
    const bool may_enter = !account.oauth || !trials.front().has_failed();
    if (account.imap && may_enter) {
      call.progress(0, total, "trying IMAP at " + account.imap->where());
      auto login = std::make_shared<imap::Login>();
      login->endpoint = services.imap_server(account, call.id());
      login->quirks = imap::Quirks::from(host::imap_quirks(account));
      login->credentials = credentials.clone();
      plan->imap.endpoint = login->endpoint;
      plan->imap.quirks = login->quirks;
      plan->imap.credentials = login->credentials.clone();
      trials.push_back(run_trial<imap::Login>(box, call, std::move(login), &try_imap));
    }
    if (account.smtp && may_enter) {
      call.progress(account.imap ? 1 : 0, total, "trying SMTP at " + account.smtp->where());
      auto login = std::make_shared<smtp::Login>();
      login->endpoint = services.smtp_server(account, call.id());
      login->credentials = credentials.clone();
      plan->smtp = login->clone();
      trials.push_back(run_trial<smtp::Login>(box, call, std::move(login), &try_smtp));
    }
    const bool works =
        std::none_of(trials.begin(), trials.end(), [](const Trial& t) { return t.has_failed(); });
    if (send_to_self && works) {
      if (!account.imap || !account.smtp)
        throw Failure(Errc::config, "a message to oneself needs an IMAP and an SMTP server",
                      "credential " + account.id, "Add the missing one with host-stub credential edit");
      call.progress(total - 1, total, "sending a message to oneself");
      trials.push_back(mail_trial(box, call, account, plan));
    }
    bool ok = true;
    std::string text;
    aoh::Json servers = aoh::Json::array();
    for (const Trial& t : trials) {
      ok = ok && !t.has_failed();
      text += text_of(t);
      servers.push(json_of(t));
    }
    aoh::Json structured{{"ok", ok}, {"credential_id", account.id}, {"servers", std::move(servers)}};
    return ok ? aoh::Result::ok(std::move(structured), std::move(text))
              : aoh::Result::error(std::move(text), std::move(structured));
  });
}

aoh::Result email_test(const Toolbox& box, const aoh::Json& args, aoh::Call& call) {
  return answer([&] {
    const bool send = args["send_to_self"].boolean();
    const std::string credential = credential_of(args, call);
    if (send) need_grant(call, credential, "send", "send a test message");
    aoh::Result r = credential_test(box, credential, call, send);
    if (r.status != AOH_OK || !r.body["structuredContent"].has("servers")) return r;
    // What a server says in an error is a stranger's word.
    aoh::Json structured = r.body["structuredContent"];
    structured.set("untrusted", true);
    const std::string text =
        mime::fence(r.body["content"].items().front()["text"].str(), "mail servers", random_token());
    r = r.body["isError"].boolean() ? aoh::Result::error(text, std::move(structured))
                                    : aoh::Result::ok(std::move(structured), text);
    r.taint("mail servers");
    return r;
  });
}

}  // namespace mailroom::tools
