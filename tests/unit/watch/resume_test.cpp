// What is known from before: QRESYNC at a reconnect (RFC 7162), and messages that come again under another
// UID.
#include "watch/faults.hpp"

namespace mailroom::watch {
namespace {

using std::chrono::seconds;

struct Resume : Faults {
  /// Cut and come back: how many searches that took.
  std::size_t searches_of_a_return() {
    const unsigned connections = imap.connections();
    const std::size_t before = imap.count("UID SEARCH");
    imap.cut();
    EXPECT_TRUE(until([&] { return imap.connections() > connections; }) && idles()) << health();
    return imap.count("UID SEARCH") - before;
  }
};

TEST_F(Resume, AMailboxWithoutNewsIsNotSearched) {
  imap.offer("IDLE ENABLE CONDSTORE QRESYNC");
  for (const char* subject : {"m1", "m2", "m3"}) imap.add(subject);
  start();
  ASSERT_TRUE(handed_over(3) && idles()) << health();
  breaks();
  EXPECT_EQ(searches_of_a_return(), 0u);
  EXPECT_EQ(imap.count("EXAMINE INBOX (QRESYNC (7 4 4:4294967294))"), 1u) << imap.commands().back();
  imap.deliver("m4");  // the IDLE behind a resumption hears as any other
  ASSERT_TRUE(handed_over(4) && idles()) << health();
  imap.expunge("m2");
  ASSERT_TRUE(idles()) << health();
  imap.add("m5");
  EXPECT_GT(searches_of_a_return(), 0u);
  ASSERT_TRUE(handed_over(5) && idles()) << health();
  // Over a restart as well: the cursor holds it.
  const std::size_t before = imap.count("UID SEARCH");
  start();
  ASSERT_TRUE(idles()) << health();
  EXPECT_EQ(imap.count("UID SEARCH"), before);
  EXPECT_TRUE(trigger->events().empty());
  verdict("resumption by QRESYNC", "nothing new, one new, a restart", {"m1", "m2", "m3", "m4", "m5"},
          seconds(4));
}

TEST_F(Resume, AServerThatIsWrongInOneThingIsSearched) {
  imap.offer("IDLE ENABLE CONDSTORE QRESYNC");
  imap.add("m0");
  start();
  ASSERT_TRUE(handed_over(1) && idles()) << health();
  // How the answer to EXAMINE ends, with a message above the cursor that the rest does not tell of.
  const std::pair<const char*, std::string> kinds[] = {
      {"UIDNEXT is stale",
       "* OK [UIDNEXT 1] x\r\n* OK [HIGHESTMODSEQ 99] x\r\n* N FETCH (UID U FLAGS () MODSEQ (99))\r\n"},
      {"UIDNEXT is missing", "* OK [HIGHESTMODSEQ 99] x\r\n"},
      {"no rows", "* OK [UIDNEXT 90] x\r\n* OK [HIGHESTMODSEQ 99] x\r\n"},
      {"HIGHESTMODSEQ runs backwards", "* OK [UIDNEXT 1] x\r\n* OK [HIGHESTMODSEQ 1] x\r\n"},
      {"no HIGHESTMODSEQ", "* OK [UIDNEXT 1] x\r\n* OK [NOMODSEQ] x\r\n"},
      {"VANISHED names what never was",
       "* VANISHED (EARLIER) 1:4294967294\r\n* OK [UIDNEXT 90] x\r\n* OK [HIGHESTMODSEQ 99] x\r\n"},
      {"VANISHED unasked", "* VANISHED 1\r\n* OK [UIDNEXT 90] x\r\n* OK [HIGHESTMODSEQ 99] x\r\n"},
      {"NO", "NO"},
      {"BAD", "BAD"},
      {"the session breaks", "cut"},
      {"garbage", "* VANISHED (EARLIER) x\r\n"}};
  Strings all{"m0"};
  for (const auto& [name, told] : kinds) {
    SCOPED_TRACE(name);
    all.push_back(name);
    std::string text = told;
    imap.fault([&](const Command& c) {
      if (c.verb != "EXAMINE" || !c.wants("QRESYNC")) return false;
      if (text == "cut") {
        imap.cut();
        return true;
      }
      if (text == "NO" || text == "BAD") {
        imap.say(c.tag + " " + text + " not so\r\n");
        return true;
      }
      if (const std::size_t at = text.find("* N FETCH (UID U"); at != std::string::npos)
        text.replace(
            at, 16,
            "* " + std::to_string(all.size()) + " FETCH (UID " + std::to_string(imap.uid(all.back())));
      imap.say("* " + std::to_string(all.size()) + " EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n" + text + c.tag +
               " OK [READ-ONLY] open\r\n");
      return true;
    });
    breaks();
    imap.add(all.back());
    EXPECT_GT(searches_of_a_return(), 0u);
    ASSERT_TRUE(handed_over(all.size()) && idles()) << health();
    imap.fault(nullptr);
    verdict("resumption by QRESYNC", name, all, seconds(4));
    EXPECT_LE(searches_of_a_return(), 1u) << "the next one is as any other";
    EXPECT_EQ(searches_of_a_return(), 0u);
  }
}

TEST_F(Resume, ANewNumberingIsNoResumption) {
  imap.offer("IDLE ENABLE CONDSTORE QRESYNC");
  imap.add("m1");
  start();
  ASSERT_TRUE(handed_over(1) && idles()) << health();
  EXPECT_EQ(searches_of_a_return(), 0u);
  breaks();
  imap.add("m2");
  imap.renumber();
  ASSERT_TRUE(handed_over(2) && idles()) << health();
  verdict("resumption by QRESYNC", "UIDVALIDITY is another", {"m1", "m2"}, seconds(4));
  EXPECT_EQ(searches_of_a_return(), 0u);
}

// As some do that move it away and back, or that store it anew when its flags change.
TEST_F(Resume, AMessageUploadedAnewIsNoNews) {
  const std::string date = imap.add("m1").date;
  imap.add("twin", date);
  start();
  ASSERT_TRUE(handed_over(2) && idles()) << health();
  breaks();
  imap.expunge("m1");
  imap.add("m1", date);
  imap.deliver("m2");
  ASSERT_TRUE(handed_over(3) && idles()) << health();
  EXPECT_EQ(decided("ignored"), Strings{"w/INBOX/7.3: dealt with before, as UID 1, which is gone"})
      << health();
  imap.add("twin", date);  // the first is still there: two messages
  imap.deliver("m3");
  ASSERT_TRUE(handed_over(5) && idles()) << health();
  stop();
  imap.expunge("m1");
  imap.add("m1", date);
  start();  // it is known over a restart, too
  ASSERT_TRUE(idles()) << health();
  EXPECT_EQ(decided("ignored"), Strings{"w/INBOX/7.7: dealt with before, as UID 3, which is gone"})
      << health();
  verdict("a message re-uploaded under a new UID", "with and without its first copy, over a restart",
          {"m1", "m2", "m3", "twin", "twin"}, seconds(2));
}

// A server that tells its own identity gives it the same key, whatever else is different: the host takes it
// once.
TEST_F(Resume, TheServersIdentityIsTheKeyUnderEachUid) {
  imap.offer("IDLE OBJECTID");
  imap.add("m1").email_id = "M77";
  start();
  ASSERT_TRUE(handed_over(1)) << health();
  EXPECT_EQ(trigger->events()[0].dedupe_key, "w/emailid:M77");
  stop();
  imap.expunge("m1");
  imap.add("m1").email_id = "M77";
  start();
  ASSERT_TRUE(handed_over(1)) << health();
  EXPECT_EQ(trigger->events()[0].dedupe_key, "w/emailid:M77");
}

}  // namespace
}  // namespace mailroom::watch
