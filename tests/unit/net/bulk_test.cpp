// Much at once: large reads, turns for others, and what a flood must not do.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <unistd.h>
#include <zlib.h>

#include <boost/asio/detached.hpp>
#include <cstdio>
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

/// The server's side of RFC 4978.
struct Packer {
  Packer() { deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY); }
  ~Packer() { deflateEnd(&z); }
  /// Valid until the next call: one buffer for all, since a sanitizer keeps what was freed for a while.
  const std::string& operator()(std::string_view bytes, int flush = Z_SYNC_FLUSH) {
    out.resize(deflateBound(&z, bytes.size()) + 64);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    z.avail_in = static_cast<uInt>(bytes.size());
    z.next_out = reinterpret_cast<Bytef*>(out.data());
    z.avail_out = static_cast<uInt>(out.size());
    ::deflate(&z, flush);
    out.resize(out.size() - z.avail_out);
    return out;
  }
  z_stream z{};
  std::string out;
};

Task<std::string> read_all(Stream& s, std::size_t n) {
  std::string out;
  char buffer[16 * 1024];
  while (out.size() < n) {
    const std::size_t got = s.try_read(buffer);
    out.append(buffer, got);
    if (got == 0 && co_await s.wait_readable(std::chrono::seconds(10)) != Stream::Wake::readable) break;
  }
  co_return out;
}

TEST_F(BulkTest, BothSidesCompress) {
  const std::string sent = std::string(200'000, 'x') + pattern(300'000) + std::string(1'000'000, 'y');
  const TlsServer server(leaf, [&](ssl_st* tls, int) {
    Packer pack;
    const std::string all = pack(sent);
    if (!write(tls, "early" + all.substr(0, 1000)) || !write(tls, all.substr(1000))) return;
    z_stream z{};
    inflateInit2(&z, -15);
    char in[4096], out[4096];
    for (int n = 0; (n = SSL_read(tls, in, sizeof in)) > 0;) {  // says back what it understood
      z.next_in = reinterpret_cast<Bytef*>(in);
      z.avail_in = static_cast<uInt>(n);
      do {
        z.next_out = reinterpret_cast<Bytef*>(out);
        z.avail_out = sizeof out;
        inflate(&z, Z_SYNC_FLUSH);
        if (z.avail_out < sizeof out && !write(tls, pack({out, sizeof out - z.avail_out}))) break;
      } while (z.avail_out == 0);
    }
    inflateEnd(&z);
  });
  loop.run([&]() -> Task<void> {
    auto stream = co_await open(loop.executor(), loop.context(), endpoint(server));
    const std::string first = co_await read_all(*stream, 6);  // reads into what is compressed
    EXPECT_TRUE(first.starts_with("early"));
    stream->start_deflate(first.substr(5));
    stream->set_bulk(true);
    const std::string got = co_await read_all(*stream, sent.size());
    EXPECT_TRUE(got == sent);
    for (const std::string& words : {std::string("a1 NOOP\r\n"), pattern(100'000)}) {
      co_await stream->write_all(words, std::chrono::seconds(10));
      const std::string back = co_await read_all(*stream, words.size());
      EXPECT_TRUE(back == words) << words.size();
    }
  });
}

/// Takes no memory itself: a sanitizer keeps what was freed for a while, and this is asked thousands of
/// times.
std::size_t resident_bytes() {
  char text[200] = {};
  const int fd = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  const ssize_t n = ::read(fd, text, sizeof text - 1);
  ::close(fd);
  std::size_t size = 0, pages = 0;
  return n > 0 && std::sscanf(text, "%zu %zu", &size, &pages) == 2 ? pages * 4096 : 0;
}

TEST_F(BulkTest, WhatSwellsTakesNoMemory) {
  constexpr std::size_t kAll = 200'000'000;  // from 200 KB on the wire
  const TlsServer server(leaf, [&](ssl_st* tls, int) {
    Packer pack;
    const std::string piece(1'000'000, 0);
    for (std::size_t n = 0; n < kAll && write(tls, pack(piece)); n += piece.size()) {
    }
  });
  loop.run([&]() -> Task<void> {
    auto stream = co_await open(loop.executor(), loop.context(), endpoint(server));
    stream->start_deflate({});
    char buffer[16 * 1024];
    std::size_t before = 0, seen = 0, most = 0;
    while (seen < kAll) {
      const std::size_t n = stream->try_read(buffer);
      seen += n;
      if (before == 0 && seen > 2'000'000) before = resident_bytes();
      if (before != 0 && seen % 64 == 0) most = std::max(most, resident_bytes());
      if (n == 0 && co_await stream->wait_readable(std::chrono::seconds(10)) != Stream::Wake::readable) break;
    }
    EXPECT_EQ(seen, kAll);
    EXPECT_LT(most, before + (8u << 20));
  });
}

TEST_F(BulkTest, ABrokenOrEndedStreamIsTold) {
  for (const bool ended : {false, true}) {
    const TlsServer server(leaf, [&](ssl_st* tls, int) {
      Packer pack;
      write(tls, ended ? pack("bye", Z_FINISH) : pack("hello") + std::string(100, '\xff'));
      char buffer[10];
      SSL_read(tls, buffer, sizeof buffer);
    });
    loop.run([&]() -> Task<void> {
      auto stream = co_await open(loop.executor(), loop.context(), endpoint(server));
      stream->start_deflate({});
      Error error;
      std::string got;
      try {
        got = co_await read_all(*stream, ended ? 3 : 5);
        co_await read_all(*stream, 1);
      } catch (const Failure& f) {
        error = f.error;
      }
      EXPECT_EQ(got, ended ? "bye" : "hello");
      EXPECT_EQ(error.code, Errc::protocol) << error.line();
      EXPECT_NE(error.where.find("localhost"), std::string::npos);
      EXPECT_FALSE(stream->is_open());
    });
  }
}

}  // namespace
}  // namespace mailroom::net
