#include "tools/store_test.hpp"

#include "deliver/links.hpp"
#include "store/client.hpp"

namespace mailroom::tools {
namespace {

using std::chrono::milliseconds, std::chrono::seconds;

constexpr std::int64_t kProbeLife = 300;  // seconds

struct Step {
  const char* name;
  const char* state = "skipped";
  std::int64_t ms = 0;
  std::string detail{};
  Error error{};
};

struct Trial {
  std::vector<Step> steps{{"connect"}, {"put"}, {"head"}, {"link"}, {"tampered"}, {"delete"}};
  bool failed = false;
};

/// Runs one step; false when it failed or was skipped.
net::Task<bool> step(host::Runtime& runtime, Trial& trial, std::string_view name,
                     std::function<net::Task<std::string>()> work) {
  for (Step& s : trial.steps) {
    if (s.name != name) continue;
    const std::int64_t begun = runtime.clock().now_ns();
    s.state = "ok";
    try {
      s.detail = co_await work();
    } catch (const Failure& f) {
      s.state = "failed";
      s.error = f.error;
      trial.failed = true;
    }
    s.ms = (runtime.clock().now_ns() - begun) / 1'000'000;
    co_return std::string_view(s.state) == "ok";
  }
  co_return false;
}

/// A person waits for the answer: nothing is tried twice.
store::Options impatient() {
  store::Options o;
  o.connect = {seconds(10), seconds(8), seconds(20), seconds(15)};
  o.http = {seconds(20), seconds(20), seconds(2)};
  o.attempts = 1;
  return o;
}

/// `url` with the last digit of its signature changed.
std::string tampered(std::string url) {
  url.back() = url.back() == '0' ? '1' : '0';
  return url;
}

net::Task<Trial> try_store(host::Runtime& runtime, std::shared_ptr<host::Job> job,
                           std::shared_ptr<store::Account> account, std::shared_ptr<deliver::S3Key> key,
                           net::Executor executor) {
  Trial trial;
  const std::function<std::int64_t()> now = [services = runtime.services()] {
    return services.clock.wall_ns() / 1'000'000'000;
  };
  const std::string object = deliver::object_key(account->prefix, random_token(32), "probe.txt");
  const std::string body = "A probe of the email plugin; it may be deleted. " + random_token(24) + "\n";
  const std::string url = store::download_link(account->bucket, *key, object, "probe.txt", now(), kProbeLife);
  store::Client client(executor, runtime.net(), *account, std::move(*key), now,
                       runtime.trace("s3 " + account->endpoint.where()), impatient());
  const host::Job::Abortable abortable(*job, [&client] { client.abort(); });
  job->check();
  const std::function<net::Task<std::string>()> connect = [&]() -> net::Task<std::string> {
    const auto stream =
        co_await net::open(executor, runtime.net(), account->endpoint, {}, impatient().connect);
    stream->close();
    co_return account->endpoint.where() + (stream->is_tls() ? ", TLS verified" : ", without TLS on loopback");
  };
  const std::function<net::Task<std::string>()> put = [&]() -> net::Task<std::string> {
    co_await client.put(object, "text/plain", body);
    co_return "bucket " + account->bucket.name;
  };
  const std::function<net::Task<std::string>()> head = [&]() -> net::Task<std::string> {
    const auto size = co_await client.head(object);
    if (!size || *size != body.size())
      throw Failure(Errc::protocol, "the store does not have what was put there", account->endpoint.where());
    co_return std::to_string(*size) + " bytes";
  };
  const std::function<net::Task<std::string>()> link = [&]() -> net::Task<std::string> {
    if (co_await client.follow(url) != body)
      throw Failure(Errc::protocol, "the link gives other bytes than were put there",
                    account->endpoint.where());
    co_return "the link gives the same bytes";
  };
  const std::function<net::Task<std::string>()> forged = [&]() -> net::Task<std::string> {
    Error refused;
    try {
      co_await client.follow(tampered(url));
    } catch (const Failure& f) {
      refused = f.error;
    }
    if (!refused)
      throw Failure(Errc::config, "the store follows a link whose signature is wrong",
                    account->endpoint.where(),
                    "Take public read access from the bucket: whoever guesses a name reads its object");
    if (is_temporary(refused.code)) throw Failure(std::move(refused));
    co_return "a changed link is refused";
  };
  const std::function<net::Task<std::string>()> remove = [&]() -> net::Task<std::string> {
    co_await client.remove(object);
    if (co_await client.head(object))
      throw Failure(Errc::refused, "the object is still there after it was deleted",
                    account->endpoint.where(),
                    "Look at the bucket's object lock and the key's right to delete");
    co_return "gone";
  };
  if (!co_await step(runtime, trial, "connect", connect)) co_return trial;
  if (!co_await step(runtime, trial, "put", put)) co_return trial;
  if (co_await step(runtime, trial, "head", head) && co_await step(runtime, trial, "link", link))
    co_await step(runtime, trial, "tampered", forged);
  co_await step(runtime, trial, "delete", remove);
  job->check();
  co_return trial;
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

}  // namespace

aoh::Result store_test(const Toolbox& box, std::string_view credential_id, aoh::Call& call) {
  return answer([&] {
    const host::Services& services = box.runtime.services();
    const auto account = std::make_shared<store::Account>(store::account(services, credential_id));
    const auto key = std::make_shared<deliver::S3Key>(store::keys(services, *account, call.id()));
    const auto job = std::make_shared<host::Job>(call.id());
    const Trial trial = box.runtime.run<Trial>(
        call, job, [&runtime = box.runtime, job, account, key](net::Executor executor) {
          return try_store(runtime, job, account, key, std::move(executor));
        });
    std::string text;
    aoh::Json steps = aoh::Json::array();
    for (const Step& s : trial.steps) {
      const bool skipped = std::string_view(s.state) == "skipped";
      aoh::Json j{{"step", s.name}, {"state", s.state}};
      j.set_if(!skipped, "ms", s.ms);
      j.set_if(!s.detail.empty(), "detail", s.detail);
      j.set_if(static_cast<bool>(s.error), "error", error_json(s.error));
      steps.push(std::move(j));
      text += padded("s3", 6) + padded(s.name, 10);
      text += skipped ? "skipped"
                      : padded(s.error ? "FAILED" : "ok", 8) + padded(std::to_string(s.ms) + " ms", 10) +
                            (s.error ? s.error.line() : s.detail);
      text += "\n";
    }
    aoh::Json servers = aoh::Json::array();
    servers.push(aoh::Json{{"server", "s3"},
                           {"where", account->endpoint.where()},
                           {"tls", std::string(net::name(account->endpoint.tls))},
                           {"ok", !trial.failed},
                           {"steps", std::move(steps)}});
    aoh::Json structured{
        {"ok", !trial.failed}, {"credential_id", account->id}, {"servers", std::move(servers)}};
    return trial.failed ? aoh::Result::error(std::move(text), std::move(structured))
                        : aoh::Result::ok(std::move(structured), std::move(text));
  });
}

}  // namespace mailroom::tools
