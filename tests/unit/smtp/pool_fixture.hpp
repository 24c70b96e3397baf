// What the tests of the pool share: callers on threads of their own, a server in this process.
#pragma once
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <future>

#include "net/manual_clock.hpp"
#include "net/system_clock.hpp"
#include "server.hpp"
#include "smtp/pool.hpp"

namespace mailroom::smtp {

namespace asio = boost::asio;
using testing::Peer;
using testing::Server;

inline const std::string kText = "Subject: x\r\n\r\nbody\r\n";

class SmtpPool : public ::testing::Test {
 protected:
  SmtpPool() {
    for (int i = 0; i < 3; ++i) threads_.emplace_back([this] { io.run(); });
  }
  ~SmtpPool() override {
    pool.reset();
    guard_
        .reset();  // not stop(): what still says QUIT uses the clocks, and ends because the servers are gone
    for (std::thread& t : threads_) t.join();
  }

  void make(net::Clock* own = nullptr) {
    pool.emplace(net::Context{own ? *own : system_clock, tls},
                 [this] { return net::Executor(asio::make_strand(io)); });
  }
  LeaseRequest request(const Server& server, const std::string& generation = "1") const {
    LeaseRequest r;
    r.login.endpoint.host = "127.0.0.1";
    r.login.endpoint.port = server.port;
    r.login.endpoint.tls = net::TlsMode::none;
    r.generation = generation;
    r.limits = limits;
    return r;
  }
  LeaseRequest signed_in(const Server& server, const std::string& generation) const {
    LeaseRequest r = request(server, generation);
    r.login.credentials.emplace();
    r.login.credentials->user = "tim";
    r.login.credentials->password = aoh::Secret("pw" + generation);
    return r;
  }

  struct Sent {
    std::string state;  // of the outcome, or the Failure's code
    Outcome outcome;
    int commits = 0;
  };
  /// One caller: leases, delivers once, gives back.
  net::Task<Sent> caller(net::Executor executor, std::shared_ptr<LeaseRequest> r, std::string to,
                         std::function<void()> at_lease) {
    Sent sent;
    try {
      Lease lease = co_await pool->lease(executor, std::move(*r));
      if (at_lease) at_lease();
      Envelope e;
      e.from = "a@b";
      e.to.push_back(to);
      sent.outcome = co_await lease.deliver(e, kText, [&] { ++sent.commits; });
      sent.state = name(sent.outcome.state);
    } catch (const Failure& f) {
      sent.state = mailroom::name(f.error.code);
    }
    co_return sent;
  }
  std::future<Sent> start(LeaseRequest r, std::string to = "c@d", std::function<void()> at_lease = {}) {
    const net::Executor strand = asio::make_strand(io);
    return asio::co_spawn(
        strand,
        caller(strand, std::make_shared<LeaseRequest>(std::move(r)), std::move(to), std::move(at_lease)),
        asio::use_future);
  }
  Sent send(LeaseRequest r, std::string to = "c@d") { return start(std::move(r), std::move(to)).get(); }

  /// A lease held by the test, in the place of a caller who takes his time.
  std::shared_ptr<Lease> hold(LeaseRequest r) {
    auto held = std::make_shared<LeaseRequest>(std::move(r));
    const net::Executor strand = asio::make_strand(io);
    const auto take = [](Pool& p, net::Executor e,
                         std::shared_ptr<LeaseRequest> q) -> net::Task<std::shared_ptr<Lease>> {
      co_return std::make_shared<Lease>(co_await p.lease(e, std::move(*q)));
    };
    return asio::co_spawn(strand, take(*pool, strand, held), asio::use_future).get();
  }

  static void until(const std::function<bool()>& condition) {
    for (int i = 0; i < 20'000 && !condition(); ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT_TRUE(condition());
  }

  ::mailroom::testing::ManualClock clock;
  asio::io_context io{3};
  net::SystemClock system_clock{io.get_executor()};
  net::TlsContexts tls;
  PoolLimits limits;
  std::optional<Pool> pool;

 private:
  asio::executor_work_guard<asio::io_context::executor_type> guard_{io.get_executor()};
  std::vector<std::thread> threads_;
};

}  // namespace mailroom::smtp
