// The mailbox as servers tell it: late, twice, out of turn, numbered anew; and a host that cannot take what
// comes (docs/watching.md).
#include "watch/faults.hpp"

namespace mailroom::watch {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// In the answer's shadow: behind each command of the way from FETCH to IDLE.
TEST_F(Faults, WhatArrivesBetweenFetchAndIdleIsSeen) {
  start();
  ASSERT_TRUE(idles()) << health();
  Strings all;
  for (const std::string verb : {"AUTHENTICATE", "EXAMINE", "UID SEARCH", "UID FETCH", "IDLE"}) {
    SCOPED_TRACE(verb);
    const std::string first = "first at " + verb, second = "second at " + verb;
    std::atomic<bool> done = false;
    imap.fault([&](const Command& c) {
      if (c.verb != verb || done.exchange(true)) return false;
      if (verb != "IDLE") imap.answer(c);
      imap.add(second);
      return verb != "IDLE";
    });
    breaks();
    all.insert(all.end(), {first, second});
    imap.add(first);
    imap.cut();
    ASSERT_TRUE(until([&] { return done.load(); }) && handed_over(all.size())) << health();
    well();
    imap.fault(nullptr);
    ASSERT_TRUE(idles()) << health();
  }
  verdict("a message that arrives between FETCH and IDLE", "behind each of 5 commands", all, seconds(2));
}

TEST_F(Faults, AnnouncedBeforeItCanBeFetchedItIsLookedForAgain) {
  start();
  ASSERT_TRUE(idles()) << health();
  Strings all;
  for (const int times : {3, 7}) {
    std::atomic<int> hidden = times;
    imap.fault([&](const Command& c) {
      if (c.verb != "UID SEARCH" || hidden == 0) return false;
      --hidden;
      imap.say("* SEARCH\r\n" + c.tag + " OK nothing\r\n");
      return true;
    });
    breaks();
    all.push_back("found at look " + std::to_string(times + 1));
    imap.deliver(all.back());
    // It looks again after 1, 2, 4, 8, 16 and 16 s, then at the renewal; not the waits for "+" and for DONE's
    // answer.
    ASSERT_TRUE(until([&] {
      if (trigger->events().size() == all.size()) return true;
      const std::int64_t next = clock->next_in_ns() / 1'000'000'000;
      if (imap.idling() && is("idle") && (next < 17 || (times == 7 && hidden == 0 && next > 120)))
        clock->to_next_timer();
      return false;
    })) << health();
    well();
    imap.fault(nullptr);
    ASSERT_TRUE(idles()) << health();
    verdict("EXISTS before the message can be fetched", all.back().c_str(), all,
            times == 3 ? seconds(8) : seconds(1560));
  }
}

TEST_F(Faults, ToldTwiceItIsHandedOverOnce) {
  const Strings all{"m1", "m2", "m3", "m4"};
  for (const auto& subject : all) imap.add(subject);
  imap.fault([&](const Command& c) {
    if (c.verb != "UID SEARCH") return false;
    imap.say("* SEARCH 4 2 1 3 3\r\n* SEARCH 1\r\n" + c.tag + " OK criteria are for others\r\n");
    return true;
  });
  start();
  for (unsigned i = 1; i <= 5; ++i) {
    ASSERT_TRUE(handed_over(4) && idles()) << health();
    imap.say("* 4 EXISTS\r\n* 4 EXISTS\r\n");
    ASSERT_TRUE(idles()) << health();
    breaks();
    imap.cut();
    ASSERT_TRUE(until([&] { return imap.connections() > i; }) && idles()) << health();
    well();
  }
  verdict("the same event twice after a reconnect", "EXISTS and the whole mailbox, 5 times", all, seconds(2));
}

TEST_F(Faults, OneEventMayStandForSeveralMessages) {
  start();
  ASSERT_TRUE(idles()) << health();
  breaks();
  Strings all{"m0"};
  for (int i = 1; i < 40; ++i) imap.add(all.emplace_back("m" + std::to_string(i)));
  imap.deliver("m0");
  ASSERT_TRUE(handed_over(40)) << health();
  verdict("one event for several messages", "one EXISTS for 40", all, seconds(1));
}

TEST_F(Faults, UidNextMayBeMissingOrStale) {
  for (const std::string number : {"", "1", "3", "0", "x", "99999999999"}) {
    const std::string told = number.empty() ? "" : "* OK [UIDNEXT " + number + "] x\r\n";
    SCOPED_TRACE(told);
    forget();
    ScriptedImap server;
    {
      const std::lock_guard lock(fake.mutex);
      fake.credentials["w"].slot("imap").set("port", static_cast<int>(server.port()));
    }
    for (const char* subject : {"old 1", "old 2", "old 3"}) server.add(subject);
    std::atomic<int> messages = 3;
    server.fault([&](const Command& c) {
      if (c.verb != "EXAMINE") return false;
      server.say("* " + std::to_string(messages) + " EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n" + told + c.tag +
                 " OK [READ-ONLY] open\r\n");
      return true;
    });
    start("now");
    ASSERT_TRUE(until([&] { return server.idling() && is("idle"); })) << health();
    server.deliver("new 1");
    ASSERT_TRUE(until([&] { return subjects().size() == 1 && server.idling(); })) << health();
    breaks();
    server.cut();
    messages = 5;
    server.add("new 2");
    ASSERT_TRUE(until([&] { return subjects().size() == 2 && server.idling() && is("idle"); })) << health();
    verdict("UIDNEXT missing or stale", number.empty() ? "missing" : number.c_str(), {"new 1", "new 2"},
            seconds(2));
    stop();
  }
}

TEST_F(Faults, RowsThatNobodyAskedForConfuseNothing) {
  const std::string rows =
      "* 1 FETCH (FLAGS (\\Seen))\r\n* 2 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ (9))\r\n"
      "* OK [HIGHESTMODSEQ 9] x\r\n* 3 FETCH (UID 3 FLAGS ())\r\n"
      "* 1 FETCH (UID 999 RFC822.SIZE 5 BODY[HEADER] {15}\r\nSubject: no\r\n\r\n BODY[TEXT] {2}\r\nno)\r\n";
  imap.fault([&](const Command& c) {
    if (!c.verb.starts_with("UID")) return false;
    imap.say(rows);
    if (c.verb != "UID FETCH") return false;
    for (const auto& mail : imap.asked_for(c)) {
      imap.say(imap.row(mail, c));
      imap.say("* 1 FETCH (UID " + std::to_string(mail.uid) + " FLAGS (\\Seen))\r\n");
    }
    imap.say(c.tag + " OK done\r\n");
    return true;
  });
  Strings all;
  start();
  for (int i = 1; i <= 5; ++i) {
    ASSERT_TRUE(idles()) << health();
    breaks();
    all.push_back("m" + std::to_string(i));
    imap.deliver(all.back());
    ASSERT_TRUE(handed_over(all.size())) << health();
    well();
    EXPECT_NE(text_of(all.back()).find("the text of " + all.back()), std::string::npos)
        << text_of(all.back());
  }
  EXPECT_EQ(imap.connections(), 1u);
  verdict("unsolicited FETCH rows in another command's answer", "in each SEARCH's and FETCH's", all,
          seconds(1));
}

TEST_F(Faults, WhatIsAskedDoesNotGrow) {
  start();
  ASSERT_TRUE(idles()) << health();
  Strings all;
  for (int i = 0; i < 100; ++i) {
    breaks();
    imap.deliver(all.emplace_back("m" + std::to_string(i)));
    ASSERT_TRUE(handed_over(all.size())) << health();
    well();
  }
  std::size_t longest = 0;
  for (const std::string& c : imap.commands())
    if (c.starts_with("UID SEARCH")) longest = std::max(longest, c.size());
  EXPECT_LE(longest, std::string("UID SEARCH UID 4294967295:*").size());
  verdict("criteria that grow with every poll", "100 messages, one by one", all, seconds(1));
}

TEST_F(Faults, ABacklogIsTakenWholeHoweverLittleASearchGives) {
  Strings all;
  for (int i = 0; i < 100; ++i) imap.add(all.emplace_back("m" + std::to_string(i)));
  imap.fault([&](const Command& c) {
    if (c.verb != "UID SEARCH") return false;
    std::string found;
    int n = 0;
    const unsigned long from = std::stoul(c.rest.substr(4));  // "UID 1:*"
    for (const auto& mail : imap.asked_for({c.tag, c.verb, "1:*"}))
      if (mail.uid >= from && n++ < 3) found += " " + std::to_string(mail.uid);
    imap.say("* SEARCH" + found + "\r\n" + c.tag + " OK that is enough for a page\r\n");
    return true;
  });
  breaks();
  start();
  ASSERT_TRUE(handed_over(100)) << health();
  verdict("a page limit that cuts the backlog", "3 a search, 100 there", all, seconds(1));
}

TEST_F(Faults, AHostThatCannotTakeItNowGetsItLater) {
  start();
  ASSERT_TRUE(idles()) << health();
  trigger->busy = 5;
  trigger->fail = 8;
  breaks();
  imap.deliver("m1");
  imap.deliver("m2");
  ASSERT_TRUE(handed_over(2)) << health();
  EXPECT_TRUE(decided("parked").empty()) << "what the host does is no message's fault";
  verdict("a hand-over that fails for a while", "busy 5 times, failed 8 times", {"m1", "m2"}, minutes(5));
}

TEST_F(Faults, AFullDiskLosesNothing) {
  start();
  ASSERT_TRUE(idles()) << health();
  trigger->fail = 1'000;
  imap.deliver("m1");
  ASSERT_TRUE(until([&] { return trigger->fail <= 985; })) << health();
  EXPECT_NE(trigger->last_health()["cure"].str().find("disk"), std::string::npos) << health();
  imap.add("m2");
  trigger->fail = 0;
  breaks();
  ASSERT_TRUE(handed_over(2)) << health();
  verdict("disk full", "for more than an hour, from its end on", {"m1", "m2"}, minutes(6));
}

}  // namespace
}  // namespace mailroom::watch
