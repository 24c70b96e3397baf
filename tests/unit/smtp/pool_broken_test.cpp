// The pool on connections that die or refuse: what is replaced, and that nothing is ever sent twice.
#include <set>

#include "pool_fixture.hpp"

namespace mailroom::smtp {
namespace {

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
