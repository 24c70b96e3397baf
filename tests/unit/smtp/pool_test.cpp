// The pool: its limits, whom it serves first, what it does with connections that have died, and that nothing
// is ever sent twice.
#include "smtp/pool.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <set>

#include "net/manual_clock.hpp"
#include "net/system_clock.hpp"
#include "server.hpp"

namespace mailroom::smtp {
namespace {

namespace asio = boost::asio;
using testing::Peer;
using testing::Server;

const std::string kText = "Subject: x\r\n\r\nbody\r\n";

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

TEST_F(SmtpPool, KeepsAConnectionForTheNextMessage) {
  Server server;
  make();
  for (int i = 0; i < 5; ++i) {
    const Sent s = send(request(server));
    EXPECT_EQ(s.state, "delivered") << s.outcome.error.line();
    EXPECT_EQ(s.commits, 1);
  }
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_EQ(server.mails().size(), 5u);
  EXPECT_EQ(server.count("RSET"), 0u);
  EXPECT_EQ(pool->counts().idle, 1u);
}

TEST_F(SmtpPool, NeverOpensMoreThanAllowed) {
  Server server;
  make();
  limits.connections = 3;
  server.hold();
  std::vector<std::future<Sent>> all;
  for (int i = 0; i < 12; ++i) all.push_back(start(request(server)));
  until([&] { return server.connections() == 3 && pool->counts().waiting == 12; });
  server.release();
  for (auto& s : all) EXPECT_EQ(s.get().state, "delivered");
  EXPECT_EQ(server.connections(), 3u);
  EXPECT_EQ(server.most_at_once(), 3u);
  EXPECT_EQ(server.mails().size(), 12u);
}

TEST_F(SmtpPool, ServesThemInTheOrderInWhichTheyCame) {
  Server server;
  make();
  limits.connections = 1;
  auto held = hold(request(server));
  std::mutex mutex;
  std::vector<int> order;
  std::vector<std::future<Sent>> all;
  for (int i = 0; i < 6; ++i) {
    all.push_back(start(request(server), "c@d", [&, i] {
      const std::lock_guard lock(mutex);
      order.push_back(i);
    }));
    until([&] { return pool->counts().waiting == static_cast<unsigned>(i) + 1; });
  }
  held.reset();
  for (auto& s : all) EXPECT_EQ(s.get().state, "delivered");
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5}));
}

TEST_F(SmtpPool, GivesAConnectionItsRest) {
  Server server;
  make();
  limits.messages = 2;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(send(request(server)).state, "delivered");
  EXPECT_EQ(server.connections(), 3u);
  until([&] { return server.count("QUIT") == 2; });
}

TEST_F(SmtpPool, IdleConnectionsSayGoodbyeInTime) {
  Server server;
  make(&clock);
  EXPECT_EQ(send(request(server)).state, "delivered");
  clock.advance(std::chrono::seconds(20));
  EXPECT_EQ(send(request(server)).state, "delivered");
  clock.advance(std::chrono::seconds(20));  // the timer of the first use: it was used since
  until([&] { return clock.pending() == 1; });
  EXPECT_EQ(pool->counts().idle, 1u);
  EXPECT_EQ(server.count("QUIT"), 0u);
  clock.advance(std::chrono::seconds(11));
  until([&] { return server.count("QUIT") == 1; });
  until([&] { return pool->counts().open == 0; });
  EXPECT_EQ(send(request(server)).state, "delivered");
  EXPECT_EQ(server.connections(), 2u);
  pool.reset();  // the clock goes before the fixture does
  until([&] { return server.open() == 0; });
}

TEST_F(SmtpPool, AConnectionThatHadDiedIsReplacedOnce) {
  Server server;
  make();
  EXPECT_EQ(send(request(server)).state, "delivered");
  server.hang_up();
  const Sent closed = send(request(server));
  EXPECT_EQ(closed.state, "delivered") << closed.outcome.error.line();
  EXPECT_EQ(closed.commits, 1);
  EXPECT_EQ(server.connections(), 2u);
  for (const char* said : {"421 4.4.2 idle too long\r\n", ""}) {
    const std::size_t before = server.connections();
    server.say(before - 1, "MAIL", said);
    EXPECT_EQ(send(request(server)).state, "delivered") << said;
    EXPECT_EQ(server.connections(), before + 1);
  }
  EXPECT_EQ(server.mails().size(), 4u);
}

TEST_F(SmtpPool, AFreshOneThatDiesIsNot) {
  Server server([](Peer& p, std::size_t i) {
    if (i > 0) p.say["RCPT"] = {"421 4.7.0 not from you\r\n"};
  });
  make();
  EXPECT_EQ(send(request(server)).state, "delivered");
  server.hang_up();
  const Sent s = send(request(server));  // replaced, and the new one is no better
  EXPECT_EQ(s.state, "temporary");
  EXPECT_EQ(s.outcome.code, 421);
  EXPECT_EQ(s.commits, 0);
  EXPECT_EQ(server.connections(), 2u);
  EXPECT_EQ(send(request(server)).state, "temporary");
  EXPECT_EQ(server.connections(), 3u);
  EXPECT_EQ(server.mails().size(), 1u);
}

TEST_F(SmtpPool, AfterTheCommitNothingIsRepeated) {
  Server server;
  make();
  EXPECT_EQ(send(request(server)).state, "delivered");
  server.say(0, ".", "");
  const Sent cut = send(request(server));
  EXPECT_EQ(cut.state, "uncertain");
  EXPECT_EQ(cut.commits, 1);
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_EQ(server.count("DATA"), 2u);
  EXPECT_EQ(send(request(server)).state, "delivered");
  server.say(1, ".", "421 4.3.0 going down\r\n");
  const Sent refused = send(request(server));
  EXPECT_EQ(refused.state, "temporary") << "the server said so itself; only the caller may try again";
  EXPECT_EQ(refused.commits, 1);
  EXPECT_EQ(server.connections(), 2u);
}

TEST_F(SmtpPool, ARefusedMessageCostsNoConnection) {
  Server server;
  make();
  EXPECT_EQ(send(request(server)).state, "delivered");
  server.say(0, "RCPT", "450 4.2.0 greylisted\r\n");
  EXPECT_EQ(send(request(server)).state, "temporary");
  EXPECT_EQ(send(request(server), "not an address").state, "invalid");
  EXPECT_EQ(send(request(server)).state, "delivered");
  EXPECT_EQ(server.connections(), 1u);
}

TEST_F(SmtpPool, ANewSecretMeansANewConnection) {
  Server server([](Peer& p, std::size_t) { p.extensions += "250-AUTH PLAIN\r\n"; });
  make();
  EXPECT_EQ(send(signed_in(server, "1")).state, "delivered");
  EXPECT_EQ(send(signed_in(server, "1")).state, "delivered");
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_EQ(send(signed_in(server, "2")).state, "delivered");
  EXPECT_EQ(server.connections(), 2u);
  until([&] { return server.open() == 1; });
  EXPECT_EQ(server.commands(0).back(), "QUIT");
  EXPECT_EQ(server.count("AUTH PLAIN AHRpbQBwdzE="), 1u);
  EXPECT_EQ(server.count("AUTH PLAIN AHRpbQBwdzI="), 1u);
  EXPECT_EQ(send(request(server)).state, "delivered") << "nobody's connection is not tim's";
  EXPECT_EQ(server.connections(), 3u);
}

TEST_F(SmtpPool, AWrongPasswordIsTriedOnceForAllWhoWait) {
  Server server([](Peer& p, std::size_t) {
    p.extensions += "250-AUTH PLAIN\r\n";
    p.say["AUTH"] = {"535 5.7.8 no\r\n"};
  });
  make();
  limits.connections = 1;
  server.hold();
  std::vector<std::future<Sent>> all;
  for (int i = 0; i < 6; ++i) all.push_back(start(signed_in(server, "1")));
  until([&] { return pool->counts().waiting == 6; });
  server.release();
  for (auto& s : all) EXPECT_EQ(s.get().state, "auth");
  EXPECT_EQ(server.count("AUTH"), 1u);
  until([&] { return pool->counts().open == 0; });
}

TEST_F(SmtpPool, AServerThatTakesFewerIsUsedWithFewer) {
  Server server([](Peer& p, std::size_t i) {
    if (i > 0) p.say["greeting"] = {"421 4.3.2 too many connections\r\n"};
  });
  make();
  std::vector<std::future<Sent>> all;
  auto held = hold(request(server));
  for (int i = 0; i < 6; ++i) all.push_back(start(request(server)));
  until([&] { return pool->counts().waiting == 6 && server.connections() >= 3; });
  held.reset();
  for (auto& s : all) EXPECT_EQ(s.get().state, "delivered");
  EXPECT_EQ(server.mails().size(), 6u);
}

TEST_F(SmtpPool, AWaitCanBeGivenUpAndHasAnEnd) {
  Server server;
  make(&clock);
  limits.connections = 1;
  auto held = hold(request(server));
  LeaseRequest cancelled = request(server), late = request(server);
  const auto give_up = std::make_shared<GiveUp>();
  cancelled.give_up = give_up;
  late.deadline_ns = net::after(clock.now_ns(), std::chrono::seconds(5));
  auto a = start(std::move(cancelled)), b = start(std::move(late)), c = start(request(server));
  until([&] { return pool->counts().waiting == 3 && clock.pending() == 1; });
  give_up->now();
  EXPECT_EQ(a.get().state, "cancelled");
  clock.advance(std::chrono::seconds(6));
  EXPECT_EQ(b.get().state, "timeout");
  EXPECT_EQ(pool->counts().waiting, 1u);
  held.reset();
  EXPECT_EQ(c.get().state, "delivered");
  LeaseRequest before = request(server);
  before.give_up = give_up;
  auto again = hold(request(server));
  EXPECT_EQ(send(std::move(before)).state, "cancelled") << "given up before it began";
  again.reset();
  pool.reset();
  until([&] { return server.open() == 0; });
}

TEST_F(SmtpPool, AnAbortedLeaseDoesNotGoBack) {
  Server server;
  make();
  auto held = hold(request(server));
  held->abort();
  held.reset();
  until([&] { return pool->counts().open == 0 && server.open() == 0; });
  EXPECT_EQ(send(request(server)).state, "delivered");
}

TEST_F(SmtpPool, ShutdownEndsWaitsAndConnections) {
  Server server;
  make();
  limits.connections = 2;
  auto first = hold(request(server)), second = hold(request(server));
  auto waiting = start(request(server));
  until([&] { return pool->counts().waiting == 1; });
  second.reset();
  EXPECT_EQ(waiting.get().state, "delivered");
  auto again = hold(request(server));
  auto lost = start(request(server));
  until([&] { return pool->counts().waiting == 1; });
  pool->shutdown();
  EXPECT_EQ(lost.get().state, "cancelled");
  EXPECT_EQ(send(request(server)).state, "state");
  first.reset();
  again.reset();
  until([&] { return server.open() == 0; });
  EXPECT_EQ(server.count("QUIT"), 2u);
  EXPECT_EQ(pool->counts().open, 0u);
}

// Many callers, a server that hangs up now and then at every kind of place: each message once, and what is
// said of it is true.
TEST_F(SmtpPool, ManyCallersOnConnectionsThatBreak) {
  Server server([](Peer& p, std::size_t i) {
    const char* where[] = {"MAIL", "RCPT", ".", "MAIL"};
    auto& answers = p.say[where[i % 4]];
    for (std::size_t k = 0; k < 2 + i % 5; ++k) answers.push_back(i % 4 == 2 ? "250 ok\r\n" : "250 ok\r\n");
    answers.push_back(i % 2 == 0 ? "" : "421 4.3.2 bye\r\n");
  });
  make();
  limits.connections = 4;
  limits.messages = 6;
  std::vector<std::future<Sent>> all;
  for (int i = 0; i < 200; ++i) all.push_back(start(request(server), "u" + std::to_string(i) + "@d"));
  std::multiset<std::string> delivered;
  std::size_t unknown = 0, later = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Sent s = all[i].get();
    if (s.state == "delivered") delivered.insert("RCPT TO:<u" + std::to_string(i) + "@d>");
    unknown += s.state == "uncertain";
    later += s.state == "temporary";
    EXPECT_LE(s.commits, 1);
  }
  EXPECT_EQ(delivered.size() + unknown + later, 200u);
  std::multiset<std::string> arrived;
  for (const Peer::Mail& m : server.mails()) arrived.insert(m.to.at(0));
  EXPECT_EQ(std::set<std::string>(arrived.begin(), arrived.end()).size(), arrived.size()) << "none twice";
  for (const std::string& to : delivered) EXPECT_EQ(arrived.count(to), 1u) << to;
  EXPECT_GT(delivered.size(), 100u);
  EXPECT_LE(server.most_at_once(), 4u + 4u) << "one that says QUIT may still be open";
  EXPECT_EQ(server.bare(), 0u);
}

}  // namespace
}  // namespace mailroom::smtp
