// Much at once: large reads, turns for others, and what a flood must not do.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <boost/asio/detached.hpp>
#include <filesystem>

#include "net/driver.hpp"
#include "net/loop.hpp"
#include "net/tls_server.hpp"

namespace mailroom::net {
namespace {

using namespace testing;

class BulkTest : public ::testing::Test {
 protected:
  BulkTest() {
    std::string name = "/tmp/net-test-XXXXXX";
    dir = mkdtemp(name.data());
    leaf = make_certificate({});
    ca_file = write_file(dir, "ca.pem", leaf.certificate);
  }
  ~BulkTest() override { std::filesystem::remove_all(dir); }
  Endpoint endpoint(const TlsServer& server) const {
    Endpoint e;
    e.host = "localhost";
    e.port = server.port();
    e.ca_file = ca_file;
    e.connect_address = "127.0.0.1";
    return e;
  }
  std::string dir, ca_file;
  Certificate leaf;
  Loop loop;
};

std::string pattern(std::size_t n) {
  std::string out(n, 0);
  std::uint32_t x = 1;
  for (char& c : out) c = static_cast<char>((x = x * 1'664'525 + 1'013'904'223) >> 24);
  return out;
}

bool write(ssl_st* tls, std::string_view bytes) {
  while (!bytes.empty()) {
    const int n = SSL_write(tls, bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 50'000)));
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

TEST_F(BulkTest, NothingIsLostHoweverOftenItIsTurnedOnAndOff) {
  const std::string sent = pattern(3'000'000);
  const TlsServer server(leaf, [&](ssl_st* tls, int) { write(tls, sent); });
  loop.run([&]() -> Task<void> {
    auto stream = co_await open(loop.executor(), loop.context(), endpoint(server));
    std::string got;
    char buffer[16 * 1024];
    bool on = false;
    for (std::size_t next = 0; got.size() < sent.size();) {
      if (got.size() >= next) {
        stream->set_bulk(on = !on);
        next = got.size() + 70'000;
      }
      const std::size_t n = stream->try_read(buffer);
      got.append(buffer, n);
      if (n == 0 && co_await stream->wait_readable(std::chrono::seconds(10)) != Stream::Wake::readable) break;
    }
    EXPECT_TRUE(got == sent);
  });
}

/// Takes everything, for ever.
class Drain final : public Machine {
 public:
  Action next() override {
    return {error_ ? Action::Kind::failed : Action::Kind::read, {}, false, std::chrono::seconds(5)};
  }
  void feed(std::string_view bytes) override { seen += bytes.size(); }
  void written() override {}
  void tls_started() override {}
  void fail(Error cause) override { error_ = std::move(cause); }
  const Error& error() const override { return error_; }
  std::size_t seen = 0;

 private:
  Error error_;
};

TEST_F(BulkTest, AFloodLeavesOthersTheirTurnAndCanBeAborted) {
  const TlsServer server(leaf, [](ssl_st* tls, int) {
    const std::string piece = pattern(1'000'000);
    while (write(tls, piece)) {
    }
  });
  loop.run([&]() -> Task<void> {
    auto stream = co_await open(loop.executor(), loop.context(), endpoint(server));
    stream->set_bulk(true);
    Drain drain;
    int turns = 0;
    boost::asio::co_spawn(
        loop.executor(),
        [&]() -> Task<void> {
          for (; drain.seen < 20'000'000; ++turns)
            co_await boost::asio::post(loop.executor(), boost::asio::use_awaitable);
          stream->abort();
        },
        boost::asio::detached);
    EXPECT_EQ(co_await drive(*stream, drain), Action::Kind::failed);
    EXPECT_EQ(drain.error().code, Errc::cancelled);
    EXPECT_GE(turns, 10);
  });
}

}  // namespace
}  // namespace mailroom::net
