// SELECT that tells what has changed (QRESYNC), cut and broken everywhere; NOTIFY.
#include "imap/proto/select.hpp"

#include <gtest/gtest.h>

#include "imap/proto/idle.hpp"
#include "imap/proto/notify.hpp"
#include "net/script.hpp"

namespace mailroom::imap {
namespace {

using namespace testing;

Known known() {
  Known k;
  k.uid_validity = 67890007;
  k.modseq = 20050715194045000;
  k.uids = UidSet::parse("41,43:211,214:541");
  return k;
}

// The dialogue of RFC 7162 §3.2.5.
const Script kResync = {C("a1 SELECT INBOX (QRESYNC (67890007 20050715194045000 41,43:211,214:541))"),
                        S("* OK [CLOSED]"),
                        S("* 314 EXISTS"),
                        S("* OK [UIDVALIDITY 67890007] UIDVALIDITY"),
                        S("* OK [UIDNEXT 567] Predicted next UID"),
                        S("* OK [HIGHESTMODSEQ 90060115205545359] Highest"),
                        S("* OK [NOMODSEQ] not this one"),
                        S("* OK [HIGHESTMODSEQ 90060115205545359] Highest"),
                        S("* FLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen)"),
                        S("* VANISHED (EARLIER) 41,43:116,118,120:211,214:540"),
                        S("* VANISHED 900"),
                        S("* 49 FETCH (UID 117 FLAGS (\\Seen \\Answered) MODSEQ (90060115194045001))"),
                        S("* 50 FETCH (UID 119 FLAGS (\\Draft $MDNSent) MODSEQ (90060115194045308))"),
                        S("* 51 FETCH (UID 541 FLAGS (\\Seen $Forwarded) MODSEQ (90060115194045001))"),
                        S("a1 OK [READ-WRITE] mailbox selected")};

struct Result {
  Played played;
  Session session;
  Since since;
};
Result resync(const Script& script, Cut cut = {}, Strict strict = Strict::yes) {
  Result r;
  r.session.enabled = Capabilities("QRESYNC CONDSTORE");
  const Known k = known();
  Select select(r.session, "INBOX", false, &k);
  r.played = play(select, script, {}, cut, Errc::closed, strict);
  r.since = select.since;
  return r;
}

TEST(Select, TellsWhatHasChangedHoweverItIsCut) {
  every_cut(kResync, [&](Cut cut) {
    const Result r = resync(kResync, cut);
    EXPECT_EQ(r.played.end, Action::Kind::done) << r.played.error.line();
    EXPECT_EQ(r.session.mailbox.exists, 313u) << "one has vanished meanwhile";
    EXPECT_EQ(r.session.mailbox.highest_modseq, 90060115205545359u);
    EXPECT_EQ(r.since.vanished.text(), "41,43:116,118,120:211,214:540");
    ASSERT_EQ(r.since.changed.size(), 3u);
    EXPECT_EQ(r.since.changed[1].uid, 119u);
    EXPECT_EQ(r.since.changed[1].modseq, 90060115194045308u);
    EXPECT_EQ(r.since.changed[1].flags->at(1), "$MDNSent");
  });
}

TEST(Select, EveryBreakIsAnError) {
  every_break(kResync,
              {"* VANISHED (EARLIER) 1:*\r\n", "* VANISHED (EARLIER)\r\n", "* VANISHED (EARLIER 5\r\n",
               "garbage\r\n", "* BYE\r\n", "a1 BYE x\r\n"},
              [&](const Script& broken, std::size_t) {
                const Result r = resync(broken, {}, Strict::no);
                EXPECT_EQ(r.played.end, Action::Kind::failed);
                EXPECT_TRUE(is_fatal(r.played.error.code)) << r.played.error.line();
              });
  Script refused(kResync.begin(), kResync.begin() + 1);
  refused.push_back(S("a1 NO [NONEXISTENT] no such mailbox"));
  const Result r = resync(refused);
  EXPECT_EQ(r.played.error.code, Errc::not_found);
  EXPECT_FALSE(r.session.dead);
}

TEST(Select, AsksOnlyForWhatIsEnabled) {
  const auto command = [](const char* caps, const char* enabled, const Known* k, bool read_only = true) {
    Session s;
    s.caps = Capabilities(caps);
    s.enabled = Capabilities(enabled);
    Select select(s, "INBOX", read_only, k);
    return std::string(select.next().bytes);
  };
  const Known k = known(), nothing;
  EXPECT_EQ(command("QRESYNC CONDSTORE", "", &k), "a1 EXAMINE INBOX (CONDSTORE)\r\n");
  EXPECT_EQ(command("", "", &k), "a1 EXAMINE INBOX\r\n");
  EXPECT_EQ(command("QRESYNC CONDSTORE", "QRESYNC", nullptr, false), "a1 SELECT INBOX\r\n");
  EXPECT_EQ(command("QRESYNC CONDSTORE", "QRESYNC", &nothing), "a1 EXAMINE INBOX (CONDSTORE)\r\n");
  Known none_left = known();
  none_left.uids = {};
  EXPECT_EQ(command("", "QRESYNC", &none_left),
            "a1 EXAMINE INBOX (QRESYNC (67890007 20050715194045000))\r\n");
}

TEST(Select, MoreChangesThanTheLimitAreAnError) {
  Session s;
  s.enabled = Capabilities("QRESYNC");
  s.limits.resync_rows = 10;
  const Known k = known();
  Select select(s, "INBOX", true, &k);
  select.next();
  select.written();
  for (int i = 1; i < 20; ++i)
    select.feed("* " + std::to_string(i) + " FETCH (UID " + std::to_string(i) + " FLAGS ())\r\n");
  EXPECT_EQ(select.next().kind, Action::Kind::failed);
  EXPECT_EQ(select.error().code, Errc::limit);
}

TEST(Select, WhatHasGoneIsOfWhatWasKnownInFewPieces) {
  const auto told = [](std::size_t pieces, const char* set) {
    Session s;
    s.enabled = Capabilities("QRESYNC");
    const Known k = known();
    Select select(s, "INBOX", true, &k);
    select.next();
    select.written();
    for (std::size_t i = 0; i < pieces; ++i) select.feed("* VANISHED (EARLIER) " + std::string(set) + "\r\n");
    const Action::Kind wants = select.next().kind;
    return std::pair(wants, select.since.vanished.text());
  };
  EXPECT_EQ(told(1'000, "1:4294967295"), std::pair(Action::Kind::read, std::string("41,43:211,214:541")));
  EXPECT_EQ(told(1'001, "1").first, Action::Kind::failed);
}

TEST(UidSet, IsReadAndCutOut) {
  EXPECT_EQ(UidSet::parse("9:7,1,2:3,5").text(), "1:3,5,7:9");
  EXPECT_EQ(UidSet::parse("9:7,1,2:3,5").size(), 7u);
  EXPECT_EQ(UidSet::parse("4294967295").size(), 1u);
  EXPECT_EQ(UidSet::from(1).size(), 4294967295u);
  for (const char* bad : {"", ",", "1,", "0", "1:*", "*", "-1", "1:2:3", "1.0", "99999999999", "a", "1 2"})
    EXPECT_THROW(UidSet::parse(bad), Failure) << bad;
  const auto without = [](const char* all, const char* some) {
    return UidSet::parse(all).without(UidSet::parse(some)).text();
  };
  EXPECT_EQ(without("1:10", "3,5:6,10"), "1:2,4,7:9");
  EXPECT_EQ(without("1:3,7:9", "2:8"), "1,9");
  EXPECT_EQ(without("5", "5"), "");
  EXPECT_EQ(without("1:4294967295", "1:4294967294"), "4294967295:*");
  EXPECT_EQ(UidSet::from(7).without(UidSet::one(9)).text(), "7:8,10:*");
  EXPECT_TRUE(UidSet::from(7).open_ended());
  EXPECT_EQ(UidSet::parse("1:3,7").uids(3), (std::vector<Uid>{1, 2, 3}));
  // Many ranges in one line cost no square of it.
  std::string many = "1";
  for (int i = 3; i < 200'000; i += 2) many += "," + std::to_string(i);
  EXPECT_EQ(UidSet::parse(many).ranges(), 100'000u);
}

std::string shown(Command c) {
  c.settle_names(false);
  return c.pieces().front().text;
}

TEST(Notify, NamesWhatIsToBeTold) {
  NotifyRequest r;
  EXPECT_EQ(shown(notify_command(r)), "NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))");
  r.mailboxes = {"Entwürfe"};
  r.status_now = true;
  EXPECT_EQ(shown(notify_command(r)),
            "NOTIFY SET STATUS (selected (MessageNew MessageExpunge FlagChange)) (mailboxes Entw&APw-rfe "
            "(MessageNew MessageExpunge))");
  r.selected = r.status_now = false;
  r.mailboxes = {"a) (personal", "INBOX"};
  EXPECT_EQ(shown(notify_command(r)),
            "NOTIFY SET (mailboxes (\"a) (personal\" INBOX) (MessageNew MessageExpunge))");
  r.mailboxes = {};
  EXPECT_EQ(shown(notify_command(r)), "NOTIFY NONE");
  r.mailboxes = {""};
  EXPECT_THROW(notify_command(r), Failure);
  r.mailboxes.assign(1001, "x");
  EXPECT_THROW(notify_command(r), Failure);
}

TEST(Notify, NewsOfOtherMailboxesEndTheIdle) {
  const Script s = {C("a1 IDLE"),
                    S("+ idling"),
                    S("* STATUS Lists (MESSAGES 5 UIDNEXT 9 UIDVALIDITY 1)"),
                    C("DONE"),
                    S("* STATUS Lists (MESSAGES 6 UIDNEXT 10)"),
                    S("a1 OK")};
  every_cut(s, [&](Cut cut) {
    Session session;
    Idle idle(session, false);
    const Played p = play(idle, s, {}, cut);
    EXPECT_EQ(p.end, Action::Kind::done) << p.error.line();
    ASSERT_EQ(idle.result().others.size(), 1u);
    EXPECT_EQ(idle.result().others.at("Lists").uid_next, 10u);
    EXPECT_FALSE(idle.result().exists);
  });
  const Script lost = {C("a1 IDLE"), S("+ idling"), S("* OK [NOTIFICATIONOVERFLOW] too much"), C("DONE"),
                       S("a1 OK")};
  Session session;
  Idle idle(session, false);
  EXPECT_EQ(play(idle, lost).end, Action::Kind::done);
  EXPECT_TRUE(idle.result().news_lost);
}

}  // namespace
}  // namespace mailroom::imap
