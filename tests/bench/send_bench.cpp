// Sends many small messages as the outbox would: each composed, each over a lease of the pool, on one thread.
//
//   send_bench HOST PORT COUNT CONNECTIONS [CA_FILE USER]    with the last two: TLS and AUTH, the password in
//                                                            MAILROOM_BENCH_PASSWORD
//
// Prints as JSON how many were delivered, wall and processor time in seconds, the largest resident size in KB
// and the bytes of one message.
#include <sys/resource.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "mime/compose.hpp"
#include "net/system_clock.hpp"
#include "smtp/pool.hpp"

namespace mailroom {
namespace {

struct Job {
  smtp::Login login;
  unsigned count = 0, connections = 0;
  unsigned next = 0;  // the message that is sent next
  unsigned delivered = 0, commits = 0;
  std::size_t bytes = 0;
};

mime::Composed message(unsigned n) {
  static const std::string words = "The quick brown fox jumps over the lazy dog near the river bank. ";
  mime::Draft d;
  d.from.push_back(
      {"Gr\xC3\xB6\xC3\x9F"
       "e & Co",
       "quotes@rig.test",
       {}});
  d.to.push_back({"Reader", "reader@rig.test", {}});
  const std::string number = std::to_string(n);
  d.subject = "Quotation " + number + " for Z\xC3\xBCrich";
  std::string text = "Dear reader " + number + ",\n\n", html = "<p>Dear <b>reader " + number + "</b>,</p>";
  for (int i = 0; i < 8; ++i) {
    text += words + "\n";
    html += "<p>" + words + "</p>\n";
  }
  d.text = std::move(text);
  d.html = std::move(html);
  mime::ComposeContext context;
  context.unix_seconds = 1'790'000'000 + n;
  context.message_id_unique = "bench-message-" + number;
  context.boundary_seed = "bench-boundary-" + number;
  return mime::compose(d, context);
}

net::Task<void> caller(smtp::Pool& pool, net::Executor executor, Job& job) {
  while (job.next < job.count) {
    const mime::Composed composed = message(job.next++);
    smtp::LeaseRequest request;
    request.login = job.login.clone();
    request.generation = "1";
    request.limits.connections = job.connections;
    request.limits.messages = job.count;
    smtp::Lease lease = co_await pool.lease(executor, std::move(request));
    smtp::Envelope envelope;
    envelope.from = composed.envelope_from;
    envelope.to = composed.envelope_to;
    const smtp::Outcome outcome = co_await lease.deliver(envelope, composed.bytes, [&job] { ++job.commits; });
    if (outcome.state == smtp::Outcome::State::delivered)
      ++job.delivered;
    else
      std::fprintf(stderr, "%s\n", outcome.error.line().c_str());
    job.bytes = composed.bytes.size();
  }
}

double cpu_seconds(const rusage& r) {
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return of(r.ru_utime) + of(r.ru_stime);
}

int run(int argc, char** argv) {
  if (argc != 5 && argc != 7) {
    std::fprintf(stderr, "usage: send_bench HOST PORT COUNT CONNECTIONS [CA_FILE USER]\n");
    return 2;
  }
  Job job;
  job.login.endpoint.host = argv[1];
  job.login.endpoint.port = static_cast<std::uint16_t>(std::atoi(argv[2]));
  job.login.endpoint.tls = argc == 7 ? net::TlsMode::implicit : net::TlsMode::none;
  job.count = static_cast<unsigned>(std::atoi(argv[3]));
  job.connections = static_cast<unsigned>(std::atoi(argv[4]));
  if (argc == 7) {
    job.login.endpoint.ca_file = argv[5];
    job.login.credentials.emplace();
    job.login.credentials->user = argv[6];
    const char* password = std::getenv("MAILROOM_BENCH_PASSWORD");
    job.login.credentials->password = aoh::Secret(password ? password : "");
  }
  boost::asio::io_context io{1};
  net::SystemClock clock(io.get_executor());
  net::TlsContexts tls;
  // One thread: the context itself is the strand of all.
  std::optional<smtp::Pool> pool(std::in_place, net::Context{clock, tls},
                                 [&io] { return net::Executor(io.get_executor()); });
  rusage before{}, after{};
  getrusage(RUSAGE_SELF, &before);
  const auto begin = std::chrono::steady_clock::now();
  for (unsigned i = 0; i < job.connections; ++i)
    boost::asio::co_spawn(io, caller(*pool, io.get_executor(), job), [](const std::exception_ptr& e) {
      if (e) std::rethrow_exception(e);
    });
  while (job.delivered < job.count && io.run_one() > 0) {
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  getrusage(RUSAGE_SELF, &after);
  std::printf(
      "{\"delivered\": %u, \"seconds\": %.3f, \"cpu_seconds\": %.3f, \"rss_kb\": %ld, \"bytes\": %zu}\n",
      job.delivered, seconds, cpu_seconds(after) - cpu_seconds(before), after.ru_maxrss, job.bytes);
  pool.reset();
  io.run_for(std::chrono::seconds(2));
  return job.delivered == job.count && job.commits == job.count ? 0 : 1;
}

}  // namespace
}  // namespace mailroom

int main(int argc, char** argv) {
  try {
    return mailroom::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "send_bench: %s\n", e.what());
    return 1;
  }
}
