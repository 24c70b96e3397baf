// The pool: its limits, whom it serves first, when a connection ends, secrets, waits and shutdown.
#include "pool_fixture.hpp"

namespace mailroom::smtp {
namespace {

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

}  // namespace
}  // namespace mailroom::smtp
