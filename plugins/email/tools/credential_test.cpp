#include "tools/credential_test.hpp"

#include "host/providers.hpp"
#include "imap/client.hpp"
#include "smtp/client.hpp"
#include "tools/store_test.hpp"

namespace mailroom::tools {
namespace {

using std::chrono::seconds;

// A person waits for the answer: shorter than where a watcher or a delivery waits.
constexpr net::ConnectTimeouts kConnect{seconds(10), seconds(8), seconds(20), seconds(15)};
constexpr seconds kAnswer{20};  // a server that delays its greeting on purpose takes up to ten

struct Step {
  const char* name;
  enum class State { ok, failed, skipped } state = State::skipped;
  std::int64_t ms = 0;
  std::string detail{};  // ours, never the server's words
  Error error{};
};

/// What was tried with one server.
struct Trial {
  const char* server;  // "imap" or "smtp"
  net::Endpoint endpoint;
  std::vector<Step> steps;

  Step& step(std::string_view name) {
    for (Step& s : steps)
      if (s.name == name) return s;
    throw Failure(Errc::internal, "no such step: " + std::string(name));
  }
  bool has_failed() const {
    return std::any_of(steps.begin(), steps.end(),
                       [](const Step& s) { return s.state == Step::State::failed; });
  }
  void passed(std::string_view name, std::int64_t ns, std::string detail = {}) {
    Step& s = step(name);
    s.state = Step::State::ok;
    s.ms = std::max<std::int64_t>(0, ns) / 1'000'000;
    s.detail = std::move(detail);
  }
  void failed(std::string_view name, std::int64_t ns, Error error) {
    passed(name, ns);
    step(name).state = Step::State::failed;
    step(name).error = std::move(error);
  }
};

Trial trial_of(const char* server, const net::Endpoint& endpoint) {
  const bool imap = std::string_view(server) == "imap";
  Trial t{server, endpoint, {}};
  t.steps.push_back({"connect"});
  if (endpoint.tls != net::TlsMode::none) t.steps.push_back({"tls"});
  t.steps.push_back({imap ? "greeting" : "ehlo"});
  t.steps.push_back({"sign_in"});
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

const char* first_answer(const Trial& t) {
  return t.server == std::string_view("imap") ? "greeting" : "ehlo";
}

/// The step that `error` belongs to.
const char* step_of(const Trial& t, const Marks& marks, const Error& error) {
  switch (error.code) {
    case Errc::dns:
    case Errc::connect:
    case Errc::config:
      return "connect";
    case Errc::starttls_missing:
    case Errc::certificate:
      return t.endpoint.tls == net::TlsMode::none ? "connect" : "tls";
    case Errc::auth:
    case Errc::auth_throttled:
    case Errc::unsupported:
      return "sign_in";
    default:
      break;
  }
  if (marks.sign_in) return "sign_in";
  if (t.endpoint.tls == net::TlsMode::implicit && !marks.tls) return "tls";
  if (t.endpoint.tls == net::TlsMode::starttls && marks.upgrade && !marks.tls) return "tls";
  return first_answer(t);
}

/// Look-up and TCP, and the handshake where TLS is implicit, each timed by itself.
net::Task<void> reach(host::Runtime& runtime, host::Job& job, Trial& trial, net::Executor executor) {
  net::Endpoint plain = trial.endpoint;
  const bool implicit = plain.tls == net::TlsMode::implicit;
  if (implicit) plain.tls = net::TlsMode::starttls;  // so that open() leaves the handshake to us
  const char* at = "connect";
  std::int64_t begun = runtime.clock().now_ns();
  try {
    const std::unique_ptr<net::Stream> stream =
        co_await net::open(executor, runtime.net(), plain, {}, kConnect);
    const host::Job::Abortable abortable(job, [&s = *stream] { s.abort(); });
    trial.passed(at, runtime.clock().now_ns() - begun, trial.endpoint.where());
    if (implicit) {
      at = "tls";
      begun = runtime.clock().now_ns();
      co_await stream->start_tls(kConnect.handshake);
      trial.passed(at, runtime.clock().now_ns() - begun);
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
                                     : begun + trial.step("connect").ms * 1'000'000;
  std::int64_t handshake = 0;
  if (trial.endpoint.tls == net::TlsMode::starttls && marks->tls) handshake = marks->tls - marks->upgrade;
  const std::int64_t signing = marks->sign_in ? marks->sign_in : now;
  const std::string failing = error ? step_of(trial, *marks, error) : "";
  for (Step& s : trial.steps) {
    const std::string_view name = s.name;
    if (name == failing) {
      const std::int64_t since = name == "sign_in"                 ? signing
                                 : name == "tls" && marks->upgrade ? marks->upgrade
                                                                   : connected;
      trial.failed(name, now - since, std::move(error));
      break;
    }
    if (name == "tls" && marks->tls)
      trial.passed(name, handshake ? handshake : s.ms * 1'000'000, marks->version);
    else if (name == first_answer(trial))
      trial.passed(name, signing - connected - handshake);
    else if (name == "sign_in")
      trial.passed(name, now - signing, "as " + user);
  }
  co_return std::move(client);
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
  if (const std::uint64_t most = client->capabilities().max_size)
    trial.step("ehlo").detail = "takes messages of up to " + std::to_string(most) + " bytes";
  co_await client->quit();
  co_return trial;
}

const char* word(Step::State s) {
  return s == Step::State::ok ? "ok" : s == Step::State::failed ? "failed" : "skipped";
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string text_of(const Trial& t) {
  std::string out;
  for (const Step& s : t.steps) {
    out += padded(t.server, 6) + padded(s.name, 10);
    if (s.state == Step::State::skipped)
      out += "skipped";
    else
      out += padded(s.state == Step::State::ok ? "ok" : "FAILED", 8) +
             padded(std::to_string(s.ms) + " ms", 10) + (s.error ? s.error.line() : s.detail);
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
  }
  return out;
}

aoh::Json json_of(const Trial& t) {
  aoh::Json steps = aoh::Json::array();
  for (const Step& s : t.steps) {
    aoh::Json j{{"step", s.name}, {"state", word(s.state)}};
    j.set_if(s.state != Step::State::skipped, "ms", s.ms);
    j.set_if(!s.detail.empty(), "detail", s.detail);
    j.set_if(static_cast<bool>(s.error), "error", error_json(s.error));
    steps.push(std::move(j));
  }
  return aoh::Json{{"server", t.server},
                   {"where", t.endpoint.where()},
                   {"tls", std::string(net::name(t.endpoint.tls))},
                   {"ok", !t.has_failed()},
                   {"steps", std::move(steps)}};
}

/// Empty when there is none, of which account() says more.
std::string type_of(const host::Services& services, std::string_view credential_id) {
  try {
    return services.credentials.get(credential_id)["type"].str();
  } catch (const aoh::StatusError&) {
    return {};
  }
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

}  // namespace

aoh::Result credential_test(const Toolbox& box, std::string_view credential_id, aoh::Call& call) {
  return answer([&] {
    const host::Services& services = box.runtime.services();
    if (type_of(services, credential_id) == "s3") return store_test(box, credential_id, call);
    const host::Account account = services.account(credential_id);
    if (!account.imap && !account.smtp)
      throw Failure(Errc::config, "the account has neither an IMAP nor an SMTP server",
                    "credential " + account.id, "Add them with host-stub credential add");
    std::vector<Trial> trials;
    const int total = account.imap && account.smtp ? 2 : 1;
    if (account.imap) {
      call.progress(0, total, "trying IMAP at " + account.imap->where());
      auto login = std::make_shared<imap::Login>();
      login->endpoint = services.imap_server(account, call.id());
      login->quirks = imap::Quirks::from(host::imap_quirks(account));
      login->credentials = services.sign_in(account, call.id());
      trials.push_back(run_trial<imap::Login>(box, call, std::move(login), &try_imap));
    }
    if (account.smtp) {
      call.progress(total - 1, total, "trying SMTP at " + account.smtp->where());
      auto login = std::make_shared<smtp::Login>();
      login->endpoint = services.smtp_server(account, call.id());
      login->credentials = services.sign_in(account, call.id());
      trials.push_back(run_trial<smtp::Login>(box, call, std::move(login), &try_smtp));
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

}  // namespace mailroom::tools
