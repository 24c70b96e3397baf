// The stream against a real TLS server: verification, time-outs, interrupts, options of the socket.
#include "net/stream.hpp"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/detached.hpp>
#include <filesystem>
#include <future>
#include <optional>
#include <thread>

#include "net/driver.hpp"
#include "net/loop.hpp"
#include "net/manual_clock.hpp"
#include "net/tls_server.hpp"

namespace mailroom::net {
namespace {

using namespace testing;

void echo(ssl_st* tls, int) {
  char buffer[4096];
  for (int n = 0; (n = SSL_read(tls, buffer, sizeof buffer)) > 0;)
    if (SSL_write(tls, buffer, n) != n) return;
}
/// Takes what comes and says nothing until the client is gone.
void hold(ssl_st* tls, int fd) {
  char buffer[4096];
  while ((tls != nullptr ? SSL_read(tls, buffer, sizeof buffer) : read(fd, buffer, sizeof buffer)) > 0) {
  }
}

/// Runs what is ready, and what the kernel makes ready, until `done`; gives up after 10 s.
void run_until(Loop& loop, const std::function<bool()>& done) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!done() && std::chrono::steady_clock::now() < limit) {
    loop.io.restart();
    loop.io.run_one_for(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(done());
  loop.io.restart();
}

class StreamTest : public ::testing::Test {
 protected:
  StreamTest() {
    std::string name = "/tmp/net-test-XXXXXX";
    dir = mkdtemp(name.data());
    CertificateOptions o;
    o.name = "Test CA";
    o.san.clear();
    o.ca = true;
    ca = make_certificate(o);
    ca_file = write_file(dir, "ca.pem", ca.certificate);
    leaf = make_certificate({}, &ca);
  }
  ~StreamTest() override { std::filesystem::remove_all(dir); }

  Endpoint endpoint(const TlsServer& server, const std::string& host = "localhost") const {
    Endpoint e;
    e.host = host;
    e.port = server.port();
    e.ca_file = ca_file;
    e.connect_address = "127.0.0.1";
    return e;
  }

  Error failure(const Endpoint& e, ConnectTimeouts timeouts = {}) {
    try {
      loop.run([&]() -> Task<void> { co_await open(loop.executor(), loop.context(), e, {}, timeouts); });
    } catch (const Failure& f) {
      return f.error;
    }
    ADD_FAILURE() << "no error";
    return {};
  }

  std::string dir, ca_file;
  Certificate ca, leaf;
  Loop loop;
};

Task<std::string> read_exactly(Stream& s, std::size_t n) {
  std::string out;
  char buffer[5000];
  while (out.size() < n) {
    const std::size_t got = s.try_read(buffer);
    out.append(buffer, got);
    if (got > 0) continue;
    const Stream::Wake wake = co_await s.wait_readable(std::chrono::seconds(10));
    if (wake != Stream::Wake::readable) break;
  }
  co_return out;
}

TEST_F(StreamTest, TalksTlsWithAReaderAndAWriterSideBySide) {
  const TlsServer server(leaf, echo);
  std::string sent(1'000'000, 0);
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 7 / 3);
  loop.run([&]() -> Task<void> {
    auto stream = co_await open(loop.executor(), loop.context(), endpoint(server));
    EXPECT_TRUE(stream->is_tls());
    EXPECT_TRUE(stream->is_loopback());
    bool written = false;
    boost::asio::co_spawn(
        loop.executor(),
        [&]() -> Task<void> {
          co_await stream->write_all(sent, std::chrono::seconds(20));
          written = true;
        },
        boost::asio::detached);
    const std::string back = co_await read_exactly(*stream, sent.size());
    EXPECT_TRUE(back == sent);
    EXPECT_TRUE(written);
    stream->close();
    EXPECT_FALSE(stream->is_open());
  });
}

TEST_F(StreamTest, TheSocketHasKeepAliveAndNoDelay) {
  const TlsServer server(leaf, hold);
  loop.run([&]() -> Task<void> {
    auto stream = co_await open(loop.executor(), loop.context(), endpoint(server));
    const auto option = [&](int level, int what) {
      int value = -1;
      socklen_t size = sizeof value;
      getsockopt(stream->native_handle(), level, what, &value, &size);
      return value;
    };
    EXPECT_EQ(option(SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPIDLE), 60);
    EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPINTVL), 15);
    EXPECT_EQ(option(IPPROTO_TCP, TCP_KEEPCNT), 4);
    EXPECT_EQ(option(IPPROTO_TCP, TCP_NODELAY), 1);
  });
}

TEST_F(StreamTest, EachFaultOfACertificateIsTold) {
  const auto told = [&](const Certificate& certificate, const std::string& host, const std::string& file,
                        const std::string& words) {
    const TlsServer server(certificate, hold);
    Endpoint e = endpoint(server, host);
    e.ca_file = file;
    const Error error = failure(e);
    EXPECT_EQ(error.code, Errc::certificate) << error.line();
    EXPECT_NE(error.what.find(words), std::string::npos) << error.line();
    EXPECT_FALSE(error.cure.empty());
    EXPECT_EQ(error.where, host + ":" + std::to_string(server.port()));
  };
  CertificateOptions expired;
  expired.begins_s = -7200;
  expired.ends_s = -3600;
  CertificateOptions future;
  future.begins_s = 3600;
  future.ends_s = 7200;
  CertificateOptions other;
  other.name = "localhost";  // the name in the subject counts for nothing once there is a SAN
  other.san = "DNS:mail.example";
  told(make_certificate(expired, &ca), "localhost", ca_file, "expired");
  told(make_certificate(future, &ca), "localhost", ca_file, "not valid yet");
  told(make_certificate(other, &ca), "localhost", ca_file, "another host");
  told(leaf, "127.0.0.1", ca_file, "another host");
  told(leaf, "localhost", "", "not trusted");
  told(make_certificate({}), "localhost", ca_file, "not trusted");
  CertificateOptions stranger;
  stranger.ca = true;
  const Certificate other_ca = make_certificate(stranger);
  told(make_certificate({}, &other_ca), "localhost", ca_file, "not trusted");
}

TEST_F(StreamTest, AddressesWildcardsAndPinnedCertificatesAreMatched) {
  const auto connects = [&](const Certificate& certificate, const std::string& host,
                            const std::string& file) {
    const TlsServer server(certificate, hold);
    Endpoint e = endpoint(server, host);
    e.ca_file = file;
    loop.run([&]() -> Task<void> {
      auto stream = co_await open(loop.executor(), loop.context(), e);
      EXPECT_TRUE(stream->is_tls());
    });
  };
  CertificateOptions address;
  address.san = "IP:127.0.0.1";
  connects(make_certificate(address, &ca), "127.0.0.1", ca_file);
  CertificateOptions wild;
  wild.san = "DNS:*.mail.example";
  connects(make_certificate(wild, &ca), "imap.mail.example", ca_file);
  const Certificate own = make_certificate({});
  connects(own, "localhost", write_file(dir, "own.pem", own.certificate));
}

TEST_F(StreamTest, WhatIsNotTlsOrTooOldIsTold) {
  const TlsServer old(leaf, hold, false, TLS1_1_VERSION);
  EXPECT_EQ(failure(endpoint(old)).code, Errc::tls);
  const TlsServer plain(
      leaf,
      [](ssl_st*, int fd) {
        (void)!write(fd, "* OK hello\r\n", 12);
        hold(nullptr, fd);
      },
      true);
  const Error error = failure(endpoint(plain));
  EXPECT_EQ(error.code, Errc::tls);
  EXPECT_NE(error.cure.find("TLS port"), std::string::npos) << error.line();
  const TlsServer closing(
      leaf, [](ssl_st*, int) {}, true);
  EXPECT_EQ(failure(endpoint(closing)).code, Errc::tls);
}

TEST_F(StreamTest, AServerThatIsSilentInTheHandshakeIsATimeOutByTheClock) {
  const TlsServer silent(leaf, hold, true);
  ManualClock clock;
  TlsContexts contexts;
  bool done = false;
  Error error;
  boost::asio::co_spawn(
      loop.io,
      [&]() -> Task<void> {
        try {
          co_await open(loop.executor(), Context{clock, contexts}, endpoint(silent));
        } catch (const Failure& f) {
          error = f.error;
        }
        done = true;
      },
      boost::asio::detached);
  // The attempt to connect (10 s) has its timer first, then the handshake (20 s).
  run_until(loop, [&] { return done || clock.next_in() == std::chrono::seconds(20); });
  clock.advance(std::chrono::milliseconds(19'999));
  loop.io.poll();
  EXPECT_FALSE(done) << error.line();
  clock.advance(std::chrono::milliseconds(1));
  run_until(loop, [&] { return done; });
  EXPECT_EQ(error.code, Errc::timeout) << error.line();
  EXPECT_NE(error.what.find("handshake"), std::string::npos) << error.line();
  EXPECT_FALSE(error.cure.empty());
  EXPECT_EQ(clock.pending(), 0u);
}

TEST_F(StreamTest, ConnectingFailsWithCauseAndCure) {
  unsigned short port = 0;
  {
    const TlsServer gone(leaf, hold);
    port = gone.port();
  }
  Endpoint e;
  e.host = "127.0.0.1";
  e.port = port;
  e.ca_file = ca_file;
  const Error refused = failure(e);
  EXPECT_EQ(refused.code, Errc::connect) << refused.line();
  EXPECT_FALSE(refused.cure.empty());
  e.host = "no-such-host.invalid";
  EXPECT_EQ(failure(e).code, Errc::dns);
  e.host = "localhost";
  e.connect_address = "not numeric";
  EXPECT_EQ(failure(e).code, Errc::config);
  const TlsServer server(leaf, hold);
  e = endpoint(server);
  e.ca_file = dir + "/missing.pem";
  EXPECT_EQ(failure(e).code, Errc::config);
  // A name that says loopback but leads elsewhere gets nothing in the clear.
  e = endpoint(server);
  e.tls = TlsMode::none;
  e.connect_address = "192.0.2.1";
  EXPECT_EQ(failure(e).code, Errc::config);
}

TEST_F(StreamTest, AWaitEndsByTimeInterruptOrAbortAndOnlyAbortEndsTheConnection) {
  using std::chrono::milliseconds;
  const TlsServer server(leaf, echo);
  ManualClock clock;
  TlsContexts contexts;
  std::unique_ptr<Stream> stream;
  const auto echoes = [&]() -> Task<void> {
    co_await stream->write_all("still here", std::chrono::seconds(5));
    EXPECT_EQ(co_await read_exactly(*stream, 10), "still here");
  };
  loop.run([&]() -> Task<void> {
    stream = co_await open(loop.executor(), Context{clock, contexts}, endpoint(server));
    co_await echoes();  // TLS 1.3's session tickets are in now: nothing more makes the stream readable
  });
  struct Waited {
    bool done = false;
    Stream::Wake wake = Stream::Wake::readable;
    Errc code = Errc::ok;
  };
  // Begins to wait, then does `meanwhile`, which must end it.
  const auto wait = [&](milliseconds timeout, bool interruptible, const std::function<void()>& meanwhile) {
    Waited w;
    boost::asio::co_spawn(
        loop.io,
        [&]() -> Task<void> {
          try {
            w.wake = co_await stream->wait_readable(timeout, interruptible);
          } catch (const Failure& f) {
            w.code = f.error.code;
          }
          w.done = true;
        },
        boost::asio::detached);
    loop.io.restart();
    loop.io.poll();
    meanwhile();
    run_until(loop, [&] { return w.done; });
    return w;
  };
  const auto late = [&] { clock.advance(milliseconds(50)); };
  EXPECT_EQ(wait(milliseconds(50), false, late).wake, Stream::Wake::timeout);
  stream->interrupt();  // remembered
  EXPECT_EQ(wait(milliseconds(50), false, late).wake, Stream::Wake::timeout) << "not for this one";
  EXPECT_EQ(wait(Stream::kForever, true, [] {}).wake, Stream::Wake::interrupted);
  EXPECT_EQ(wait(Stream::kForever, true, [&] { std::thread([&] { stream->interrupt(); }).join(); }).wake,
            Stream::Wake::interrupted);
  loop.run(echoes);
  EXPECT_EQ(wait(Stream::kForever, false, [&] { std::thread([&] { stream->abort(); }).join(); }).code,
            Errc::cancelled);
  char buffer[10];
  EXPECT_THROW(stream->try_read(buffer), Failure);
  EXPECT_EQ(clock.pending(), 0u);
}

TEST_F(StreamTest, APeerThatHangsUpIsAnErrorAndNotASignal) {
  const TlsServer server(leaf, [](ssl_st*, int fd) {
    linger hard{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  });
  const std::string much(100'000, 'x');
  for (const bool reading : {true, false}) {
    Errc code = Errc::ok;
    loop.run([&]() -> Task<void> {
      auto stream = co_await open(loop.executor(), loop.context(), endpoint(server));
      try {
        for (int i = 0; i < 100; ++i) {
          if (reading)
            co_await read_exactly(*stream, 1);
          else
            co_await stream->write_all(much, std::chrono::seconds(5));
        }
      } catch (const Failure& f) {
        code = f.error.code;
      }
    });
    EXPECT_EQ(code, Errc::closed);
  }
}

TEST_F(StreamTest, AWriteThatStandsStillEndsByTheClock) {
  std::promise<void> over;
  const TlsServer server(leaf, [until = over.get_future().share()](ssl_st*, int) { until.wait(); });
  ManualClock clock;
  TlsContexts contexts;
  Errc code = Errc::ok;
  bool writing = false, done = false;
  const std::string much(32'000'000, 'x');  // more than the kernel's buffers on both sides take
  boost::asio::co_spawn(
      loop.io,
      [&]() -> Task<void> {
        auto stream = co_await open(loop.executor(), Context{clock, contexts}, endpoint(server));
        writing = true;
        try {
          co_await stream->write_all(much, std::chrono::minutes(3));
        } catch (const Failure& f) {
          code = f.error.code;
        }
        done = true;
      },
      boost::asio::detached);
  run_until(loop, [&] { return done || (writing && clock.pending() == 1); });
  clock.advance(std::chrono::milliseconds(179'999));
  loop.io.poll();
  EXPECT_FALSE(done);
  clock.advance(std::chrono::milliseconds(1));
  run_until(loop, [&] { return done; });
  over.set_value();
  EXPECT_EQ(code, Errc::timeout);
  EXPECT_EQ(clock.pending(), 0u);
}

/// Writes a secret, then reads until "end".
class Dialogue final : public Machine {
 public:
  Action next() override {
    if (failed_) return {Action::Kind::failed, {}, false, {}};
    if (!written_) return {Action::Kind::write, "password", true, std::chrono::seconds(5)};
    if (seen_.find("end") != std::string::npos) return {};
    return {Action::Kind::read, {}, false, std::chrono::seconds(5)};
  }
  void feed(std::string_view bytes) override { seen_ += bytes; }
  void written() override { written_ = true; }
  void tls_started() override {}
  void fail(Error cause) override {
    failed_ = true;
    error_ = std::move(cause);
  }
  const Error& error() const override { return error_; }

 private:
  bool written_ = false, failed_ = false;
  std::string seen_;
  Error error_;
};

TEST_F(StreamTest, TheDriverKeepsSecretsOutOfTheTranscriptAndKeepsTime) {
  using std::chrono::milliseconds;
  const TlsServer server(leaf, [](ssl_st* tls, int) {
    char buffer[100];
    SSL_read(tls, buffer, sizeof buffer);
    SSL_write(tls, "hello\r\n", 7);
    if (SSL_read(tls, buffer, sizeof buffer) > 0) SSL_write(tls, "end\r\n", 5);
    hold(tls, -1);
  });
  ManualClock clock;
  TlsContexts contexts;
  std::string trace;
  std::unique_ptr<Stream> stream;
  loop.run([&]() -> Task<void> {
    stream = co_await open(loop.executor(), Context{clock, contexts}, endpoint(server),
                           [&](std::string_view line) { trace += std::string(line) + "\n"; });
  });
  // Lets the driver work until the transcript ends in `seen`, then lets the time go on.
  const auto drives = [&](Machine& machine, const DriveOptions& options, std::string_view seen) {
    std::optional<Action::Kind> end;
    boost::asio::co_spawn(
        loop.io, [&]() -> Task<void> { end = co_await drive(*stream, machine, options); },
        boost::asio::detached);
    run_until(loop, [&] { return end || (trace.ends_with(seen) && clock.pending() == 1); });
    EXPECT_FALSE(end.has_value()) << "before its time";
    clock.advance(milliseconds(200));
    run_until(loop, [&] { return end.has_value(); });
    return end.value_or(Action::Kind::event);
  };
  Dialogue machine;
  DriveOptions options;
  options.interruptible = true;
  options.pause_ns = after(clock.now_ns(), milliseconds(200));
  EXPECT_EQ(drives(machine, options, "S: [withheld]\n"), Action::Kind::read);  // paused, nothing lost
  loop.run([&]() -> Task<void> {
    co_await stream->write_all("go", std::chrono::seconds(5));
    options = {};
    options.deadline_ns = after(clock.now_ns(), std::chrono::seconds(5));
    EXPECT_EQ(co_await drive(*stream, machine, options), Action::Kind::done);
  });
  Dialogue late;
  options.deadline_ns = after(clock.now_ns(), milliseconds(200));
  EXPECT_EQ(drives(late, options, "C: [withheld]\n"), Action::Kind::failed);
  EXPECT_EQ(late.error().code, Errc::timeout);
  EXPECT_EQ(trace.find("password"), std::string::npos);
  EXPECT_NE(trace.find("C: [withheld]\nS: [withheld]\n"), std::string::npos) << trace;
  EXPECT_NE(trace.find("-- TLSv1.3 with localhost"), std::string::npos) << trace;
}

}  // namespace
}  // namespace mailroom::net
