// Watchers against a server that goes wrong: no message lost, none handed over twice, and always back again.
// Time is the test's own.
#include "watch/faults.hpp"

namespace mailroom::watch {
namespace {

TEST_F(Faults, AByeAtAnyTimeLosesNothing) {
  const std::string bye = "* BYE going down\r\n";
  imap.add("m0");
  start();
  ASSERT_TRUE(handed_over(1)) << health();
  Strings all{"m0"};
  const auto round = [&](const std::string& verb, bool row, bool with_tag) {
    const std::string when = verb + (row ? " after a row" : "") + (with_tag ? " tagged" : "");
    SCOPED_TRACE(when);
    breaks();
    std::atomic<int> left = 2;
    imap.fault([&](const Command& c) {
      if (c.verb != verb || left == 0) return false;
      --left;
      if (row) imap.say(imap.row(imap.asked_for(c).front(), c));
      imap.say(with_tag ? c.tag + " BYE going down\r\n" : bye);
      imap.cut();
      return true;
    });
    // One while the watcher is there, one while it is away.
    for (int i = 0; i < 2; ++i) {
      all.push_back("m" + std::to_string(all.size()));
      imap.deliver(all.back());
      if (i > 0) continue;
      imap.say(bye);
      imap.cut();
    }
    EXPECT_TRUE(until([&] { return left == 0 && subjects().size() >= all.size(); })) << health();
    imap.fault(nullptr);
    EXPECT_TRUE(settled()) << health();
    EXPECT_TRUE(decided("parked").empty()) << health();
    const char* name = verb == "IDLE"       ? "BYE during IDLE"
                       : verb == "greeting" ? "BYE as greeting"
                                            : "BYE elsewhere";
    verdict(name, when.c_str(), all, std::chrono::seconds(10));
  };
  for (const char* verb : {"greeting", "AUTHENTICATE", "EXAMINE", "UID SEARCH", "UID FETCH", "IDLE"})
    for (const bool with_tag : {false, true})
      if (!with_tag || std::string(verb) != "greeting") round(verb, false, with_tag);
  round("UID FETCH", true, false);
  EXPECT_FALSE(trigger->last_health().has("last_error")) << "it is over";
}

TEST_F(Faults, AConnectionCutAtEachCommandLosesNothing) {
  // Cut ahead of the answer, within it and behind it, at the first, second, ... command of the dialogue.
  for (int way = 0; way < 3; ++way)
    for (int nth = 1; nth <= 9; ++nth) {
      SCOPED_TRACE(std::to_string(way) + " at command " + std::to_string(nth));
      ScriptedImap server;
      for (int i = 1; i <= 4; ++i) server.add("m" + std::to_string(i));
      std::atomic<int> count = 0;
      server.fault([&](const Command& c) {
        if (++count != nth) return false;
        if (way == 1)
          server.say(c.verb == "UID FETCH" ? server.row(server.asked_for(c).front(), c).substr(0, 60)
                                           : "* OK half a li");
        if (way == 2) server.answer(c);
        server.cut();
        return true;
      });
      {
        const std::lock_guard lock(fake.mutex);
        fake.credentials["w"].slot("imap").set("port", static_cast<int>(server.port()));
      }
      forget();
      breaks();
      start();
      EXPECT_TRUE(until([&] { return subjects().size() >= 4 && server.idling() && count > nth; }))
          << health();
      well();
      server.deliver("m5");
      EXPECT_TRUE(until([&] { return subjects().size() >= 5 && server.idling(); })) << health();
      EXPECT_EQ(subjects(), (Strings{"m1", "m2", "m3", "m4", "m5"})) << health();
      EXPECT_EQ(trigger->decisions().items().size(), 5u) << health();
      if (way == 2 && nth == 9)
        verdict("the connection is cut", "at the 9th command; 26 others before",
                {"m1", "m2", "m3", "m4", "m5"}, std::chrono::seconds(10));
      stop();
    }
}

TEST_F(Faults, AServerThatOffersIdleAndRefusesItIsPolled) {
  imap.fault([&](const ScriptedImap::Command& c) {
    if (c.verb != "IDLE") return false;
    imap.say(c.tag + " BAD not here\r\n");
    return true;
  });
  imap.add("m1");
  start();
  ASSERT_TRUE(until([&] { return trigger->last_health()["state"].str() == "polling"; })) << health();
  imap.add("m2");
  clock->advance(config.poll_interval.count() * 1'000'000'000);
  ASSERT_TRUE(until([&] { return trigger->events().size() >= 2; })) << health();
  EXPECT_EQ(subjects(), (Strings{"m1", "m2"}));
  EXPECT_EQ(imap.connections(), 1u);
}

TEST_F(Faults, ANewNumberingOnReconnectLosesNothingAndRepeatsNothing) {
  for (const char* subject : {"m1", "m2"}) imap.add(subject);
  const std::string date = imap.add("twin").date;
  imap.add("twin").date = date;  // two messages that nothing but their number tells apart
  start();
  ASSERT_TRUE(handed_over(4)) << health();
  for (int round = 0; round < 2; ++round) {
    breaks();
    imap.expunge(round == 0 ? "m1" : "m2");
    imap.add("while away " + std::to_string(round));
    imap.renumber();
    ASSERT_TRUE(handed_over(5 + static_cast<std::size_t>(round))) << health();
    ASSERT_TRUE(until([&] { return !aoh::Json::parse(trigger->cursor()).has("before"); }));
    well();
  }
  EXPECT_EQ(subjects(), (Strings{"m1", "m2", "twin", "twin", "while away 0", "while away 1"})) << health();
  // Again, and this time the connection breaks in the middle of the comparison.
  int cuts = 2;
  imap.fault([&](const Command& c) {
    if (c.verb != "UID FETCH" || cuts == 0) return false;
    --cuts;
    imap.cut();
    return true;
  });
  imap.add("while away 2");
  imap.renumber();
  ASSERT_TRUE(handed_over(7)) << health();
  EXPECT_EQ(subjects().size(), 7u) << health();
  // And across a restart of the watcher.
  stop();
  imap.add("while away 3");
  imap.renumber();
  start();
  ASSERT_TRUE(handed_over(1)) << health();
  EXPECT_EQ(subjects().size(), 8u) << health();
  EXPECT_EQ(trigger->events()[0].payload.path("email.subject").str(), "while away 3");
  verdict("UIDVALIDITY changed while offline", "4 times, cut in the comparison, twins, a restart",
          {"m1", "m2", "twin", "twin", "while away 0", "while away 1", "while away 2", "while away 3"},
          std::chrono::seconds(10));
}

}  // namespace
}  // namespace mailroom::watch
