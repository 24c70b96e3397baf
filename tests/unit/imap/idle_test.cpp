// IDLE: news, both exits, and every way in which a server ends it.
#include "imap/proto/idle.hpp"

#include <gtest/gtest.h>

#include "net/script.hpp"

namespace mailroom::imap {
namespace {

using namespace testing;

struct Result {
  Played played;
  IdleResult idle;
  Session session;
};

Result idle(const Script& script, bool wake_on_flags = false, Cut cut = {}, Errc last = Errc::closed) {
  Result r;
  Idle m(r.session, wake_on_flags);
  r.played = play(m, script, {}, cut, last);
  r.idle = m.result();
  return r;
}

TEST(Idle, WakesForNews) {
  const Script s = {
      C("a1 IDLE"),    S("* OK wait"),  S("+ idling"), S("* OK Still here"), S("* 2 FETCH (FLAGS (\\Seen))"),
      S("* 0 RECENT"), S("* 4 EXISTS"), C("DONE"),     S("* 5 EXISTS"),      S("a1 OK done")};
  every_cut(s, [&](Cut c) {
    const Result r = idle(s, false, c);
    EXPECT_EQ(r.played.end, Action::Kind::done) << r.played.error.line();
    EXPECT_TRUE(r.idle.exists && r.idle.flags && !r.idle.expunged);
    EXPECT_EQ(r.idle.exists_count, 5u);
    EXPECT_EQ(r.session.mailbox.exists, 5u);
  });
  const Script gone = {C("a1 IDLE"), S("+"), S("* VANISHED 3"), C("DONE"), S("a1 OK")};
  EXPECT_TRUE(idle(gone).idle.expunged);
  const Script flags = {C("a1 IDLE"), S("+"), S("* 2 FETCH (FLAGS (\\Seen))"), C("DONE"), S("a1 OK")};
  EXPECT_EQ(idle(flags, true).played.end, Action::Kind::done);
  const Script before = {C("a1 IDLE"), S("* 3 EXISTS"), S("+"), C("DONE"), S("a1 OK")};
  EXPECT_TRUE(idle(before).idle.exists) << "news from before the '+' count";
}

TEST(Idle, WaitsWithoutATimeOutOfItsOwnAndHoldsNoBuffer) {
  Session session;
  Idle m(session, false);
  m.next();
  m.written();
  m.feed("+ idling\r\n* OK Still here\r\n");
  EXPECT_EQ(m.next().kind, Action::Kind::read);
  EXPECT_EQ(m.next().timeout, std::chrono::milliseconds::max());
  m.stop();
  EXPECT_EQ(m.next().bytes, "DONE\r\n");
  m.feed("a1 OK bye\r\n");  // the answer may overtake the write's completion
  EXPECT_EQ(m.next().bytes, "DONE\r\n");
  m.written();
  EXPECT_EQ(m.next().kind, Action::Kind::done);
  EXPECT_FALSE(session.dead);
}

TEST(Idle, AStopBeforeThePlusWaitsForIt) {
  Session session;
  Idle m(session, false);
  m.next();
  m.stop();
  EXPECT_EQ(m.next().bytes, "a1 IDLE\r\n");
  m.written();
  EXPECT_EQ(m.next().kind, Action::Kind::read);
  m.feed("+ idling\r\n");
  EXPECT_EQ(m.next().bytes, "DONE\r\n");
}

TEST(Idle, TheServerMayEndItByItself) {
  EXPECT_EQ(idle({C("a1 IDLE"), S("+"), S("a1 OK timeout")}).played.end, Action::Kind::done);
  const Result no = idle({C("a1 IDLE"), S("a1 NO not now")});
  EXPECT_EQ(no.played.error.code, Errc::refused);
  EXPECT_FALSE(no.session.dead);
  const Result bye = idle({C("a1 IDLE"), S("+"), S("* BYE restarting")});
  EXPECT_EQ(bye.played.error.code, Errc::bye);
  EXPECT_EQ(bye.played.error.server, "restarting");
}

TEST(Idle, EveryBreakEndsTheSession) {
  const Script s = {C("a1 IDLE"), S("+ idling"), S("* 4 EXISTS"), C("DONE"), S("a1 OK done")};
  for (const Errc last : {Errc::closed, Errc::timeout, Errc::cancelled})
    every_break(
        s,
        {"* BYE x\r\n", "a1 BYE x\r\n", "a7 OK x\r\n", "garbage\r\n", "* 99999999999 EXISTS\r\n", "BAD\r\n"},
        [&](const Script& broken, std::size_t) {
          const Result r = idle(broken, false, {}, last);
          EXPECT_EQ(r.played.end, Action::Kind::failed);
          EXPECT_TRUE(is_fatal(r.played.error.code)) << r.played.error.line();
          EXPECT_TRUE(r.session.dead);
        });
}

}  // namespace
}  // namespace mailroom::imap
