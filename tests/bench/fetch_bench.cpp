// Fetches a whole mailbox as the plugin does, on one connection and one thread.
//
//   fetch_bench raw|json|text HOST PORT CA_FILE USER MAILBOX    the password in MAILROOM_BENCH_PASSWORD
//
//   raw    every message's bytes flow to a consumer that counts them
//   json   every message parsed: headers, text, HTML, attachments decoded and hashed, written as JSON
//   text   the text of every message for a model, fetched without the attachments
//
// Prints as JSON how many messages came, their bytes, what was made of them, wall and processor time in
// seconds from after the sign-in on, and the largest resident size in KB.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "imap/client.hpp"
#include "mime/json.hpp"
#include "mime/parse.hpp"
#include "net/system_clock.hpp"
#include "read/texts.hpp"
#include "usage.hpp"

namespace mailroom {
namespace {

struct Figures {
  std::size_t messages = 0;
  std::uint64_t bytes = 0;  // of messages, as fetched
  std::uint64_t made = 0;   // bytes of JSON or text
  double seconds = 0, cpu_seconds = 0;
};

struct Counter final : imap::SectionSink {
  std::uint64_t bytes_seen = 0;
  bool begin(const imap::SectionStart&) override { return true; }
  void bytes(std::string_view piece) override { bytes_seen += piece.size(); }
};

std::vector<imap::FetchRequest> whole_messages() {
  std::vector<imap::FetchRequest> requests(1);
  requests[0].set = imap::UidSet::from(1);
  requests[0].items.flags = requests[0].items.object_ids = false;
  requests[0].items.sections.emplace_back();
  return requests;
}

net::Task<void> raw(imap::Client& client, Figures& f) {
  Counter counter;
  const imap::OnRow on_row = [&](imap::MessageRow&&) { ++f.messages; };
  co_await client.uid_fetch(whole_messages(), on_row, &counter);
  f.bytes = counter.bytes_seen;
}

std::string json_of(std::string_view message) {
  mime::RenderOptions everything;
  everything.format = mime::Format::full;
  everything.headers = true;
  everything.max_text_bytes = 4u << 20;
  return mime::to_json(mime::parse(message), everything).dump();
}

net::Task<void> json(imap::Client& client, Figures& f) {
  const imap::OnRow on_row = [&](imap::MessageRow&& row) {
    const imap::Section* whole = row.section("");
    if (!whole) return;
    ++f.messages;
    f.bytes += whole->bytes.size();
    f.made += json_of(whole->bytes).size();
  };
  co_await client.uid_fetch(whole_messages(), on_row);
}

net::Task<void> text(imap::Client& client, Figures& f) {
  const std::vector<imap::Uid> all = co_await client.uid_search(imap::Criteria());
  const read::OnText on_text = [&](mime::Message&& m, const imap::MessageRow&) {
    ++f.messages;
    f.made += mime::to_json(m).dump().size();
  };
  const read::TextsSummary summary = co_await read::fetch_texts(client, all, on_text);
  f.bytes = summary.bytes;
}

net::Task<void> work(const std::string mode, imap::Login login, std::string mailbox, net::Executor executor,
                     net::Context context, Figures& f) {
  const auto client = co_await imap::Client::connect(executor, context, std::move(login));
  co_await client->select(mailbox, true);
  const double before = bench::cpu_seconds();
  const auto begin = std::chrono::steady_clock::now();
  if (mode == "raw")
    co_await raw(*client, f);
  else if (mode == "json")
    co_await json(*client, f);
  else
    co_await text(*client, f);
  f.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  f.cpu_seconds = bench::cpu_seconds() - before;
  co_await client->logout();
}

int run(int argc, char** argv) {
  if (argc != 7) {
    std::fprintf(stderr, "usage: fetch_bench raw|json|text HOST PORT CA_FILE USER MAILBOX\n");
    return 2;
  }
  imap::Login login;
  login.endpoint.host = argv[2];
  login.endpoint.port = static_cast<std::uint16_t>(std::atoi(argv[3]));
  login.endpoint.tls = net::TlsMode::implicit;
  login.endpoint.ca_file = argv[4];
  login.credentials.user = argv[5];
  const char* password = std::getenv("MAILROOM_BENCH_PASSWORD");
  login.credentials.password = aoh::Secret(password ? password : "");
  boost::asio::io_context io{1};
  net::SystemClock clock(io.get_executor());
  net::TlsContexts tls;
  Figures f;
  bool ended = false;
  boost::asio::co_spawn(io, work(argv[1], std::move(login), argv[6], io.get_executor(), {clock, tls}, f),
                        [&](const std::exception_ptr& e) {
                          ended = true;
                          if (e) std::rethrow_exception(e);
                        });
  while (!ended && io.run_one() > 0) {
  }
  std::printf(
      "{\"messages\": %zu, \"bytes\": %llu, \"made\": %llu, \"seconds\": %.3f, \"cpu_seconds\": %.3f, "
      "\"rss_kb\": %ld}\n",
      f.messages, static_cast<unsigned long long>(f.bytes), static_cast<unsigned long long>(f.made),
      f.seconds, f.cpu_seconds, bench::peak_kb());
  return 0;
}

}  // namespace
}  // namespace mailroom

int main(int argc, char** argv) {
  try {
    return mailroom::run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "fetch_bench: %s\n", e.what());
    return 1;
  }
}
