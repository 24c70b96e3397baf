// One command and its answer, broken at every step.
#include "imap/proto/exchange.hpp"

#include <gtest/gtest.h>

#include "net/script.hpp"

namespace mailroom::imap {
namespace {

using namespace testing;

struct Result {
  Played played;
  Session session;
};

Result run(const Script& script, Command command = Command("NOOP"), Capabilities caps = {}, Cut cut = {},
           Errc last = Errc::closed) {
  Result r;
  r.session.caps = std::move(caps);
  r.session.signed_in = r.session.tls = true;
  Exchange e(r.session, std::move(command), "the test failed");
  r.played = play(e, script, {}, cut, last);
  return r;
}

TEST(Exchange, TakesNewsOnTheWay) {
  const Script s = {C("a1 NOOP"),         S("* 4 EXISTS"), S("* 1 EXPUNGE"), S("* 2 FETCH (FLAGS ())"),
                    S("* OK Still here"), S("a1 OK done")};
  every_cut(s, [&](Cut c) {
    const Result r = run(s, Command("NOOP"), {}, c);
    EXPECT_EQ(r.played.end, Action::Kind::done) << r.played.error.line();
    EXPECT_EQ(r.session.mailbox.exists, 3u);
    EXPECT_EQ(r.session.mailbox.changes, 3u);
  });
}

TEST(Exchange, LiteralsWaitForLeave) {
  const Command c = Command("X ").string("ä").raw(" ").string("b\nc").raw(" END");
  const Script waits = {C("a1 X {2}"),        S("+ go"), Craw("ä {3}\r\n"), S("* 1 EXISTS"), S("+"),
                        Craw("b\nc END\r\n"), S("a1 OK")};
  every_cut(waits, [&](Cut cut) { EXPECT_EQ(run(waits, c, {}, cut).played.end, Action::Kind::done); });
  const Script at_once = {Craw("a1 X {2+}\r\nä {3+}\r\nb\nc END\r\n"), S("a1 OK")};
  EXPECT_EQ(run(at_once, c, Capabilities("LITERAL+")).played.end, Action::Kind::done);
  EXPECT_EQ(run(at_once, c, Capabilities("literal-")).played.end, Action::Kind::done);
  const std::string large(5000, 'x');
  const Script minus = {C("a1 X {5000}"), S("+ go"), C(large), S("a1 OK")};
  EXPECT_EQ(run(minus, Command("X ").literal(large), Capabilities("literal-")).played.end,
            Action::Kind::done);
  const Script refused = {C("a1 X {2}"), S("a1 NO too big")};
  const Result r = run(refused, c);
  EXPECT_EQ(r.played.error.code, Errc::refused);
  EXPECT_FALSE(r.session.dead) << "the command ended there: the session is as good as before";
  const Script empty = {C("a1 X {0}"), S("+ go"), Craw("\r\n"), S("a1 OK")};
  EXPECT_EQ(run(empty, Command("X ").literal("")).played.end, Action::Kind::done);
}

TEST(Exchange, NoAndBadLeaveTheSessionUsable) {
  const std::pair<const char*, Errc> table[] = {{"a1 NO nope", Errc::refused},
                                                {"a1 BAD what", Errc::refused},
                                                {"a1 NO [NONEXISTENT] x", Errc::not_found},
                                                {"a1 NO [TRYCREATE] x", Errc::not_found},
                                                {"a1 NO Mailbox doesn't exist: x", Errc::not_found},
                                                {"a1 NO [UNAVAILABLE] x", Errc::temporary},
                                                {"a1 NO [LIMIT] x", Errc::temporary}};
  for (const auto& [line, code] : table) {
    const Result r = run({C("a1 NOOP"), S(line)});
    EXPECT_EQ(r.played.error.code, code) << line;
    EXPECT_FALSE(r.session.dead) << line;
  }
}

TEST(Exchange, EveryBreakEndsTheSession) {
  const Script s = {C("a1 NOOP"), S("* 4 EXISTS"), S("a1 OK done")};
  const std::vector<std::string> instead = {"* BYE going\r\n",
                                            "a1 BYE going\r\n",
                                            "a2 OK other\r\n",
                                            "garbage\r\n",
                                            "NO without tag\r\n",
                                            "BAD\r\n",
                                            "+ more\r\n",
                                            "* NO hm\r\n",
                                            "* BAD hm\r\n",
                                            "* 99999999999 EXISTS\r\n",
                                            "a1 FETCH\r\n",
                                            "* 1 FETCH (X {3000000000}\r\n",
                                            "\r\n",
                                            "a1 PREAUTH x\r\n"};
  for (const Errc last : {Errc::closed, Errc::timeout})
    every_break(s, instead, [&](const Script& broken, std::size_t) {
      const Result r = run(broken, Command("NOOP"), {}, {}, last);
      EXPECT_EQ(r.played.end, Action::Kind::failed);
      EXPECT_TRUE(is_fatal(r.played.error.code)) << r.played.error.line();
      EXPECT_TRUE(r.session.dead);
    });
  EXPECT_EQ(run({C("a1 NOOP"), S("a1 BYE going")}).played.error.code, Errc::bye);
  const Result untagged_bye = run({C("a1 NOOP"), S("* BYE going")});
  EXPECT_EQ(untagged_bye.played.error.code, Errc::bye);
  EXPECT_EQ(untagged_bye.played.error.server, "going");
  // Quirk repeated_bye, from Yandex: again and again instead of an answer.
  const std::string autologout = "* BYE Autologout; idle for too long";
  for (const Errc last : {Errc::closed, Errc::timeout}) {
    const Result once = run({C("a1 NOOP"), S(autologout)}, Command("NOOP"), {}, {}, last);
    EXPECT_EQ(once.played.error.code, Errc::bye);
    EXPECT_TRUE(once.session.dead);
  }
  Session yandex;
  Exchange waiting(yandex, Command("NOOP"), "x");
  waiting.next();
  waiting.written();
  EXPECT_EQ(waiting.next().timeout, yandex.timeouts.command);
  waiting.feed(autologout + "\r\n");
  EXPECT_EQ(waiting.next().timeout, yandex.timeouts.logout) << "not for long";
  waiting.feed(autologout + "\r\n");
  EXPECT_EQ(waiting.next().kind, Action::Kind::failed);
  EXPECT_EQ(waiting.error().code, Errc::bye);
  EXPECT_EQ(run({C("a1 LOGOUT"), S("* BYE see you"), S("a1 OK")}, Command("LOGOUT")).played.end,
            Action::Kind::done);
  // A server that forgets the tag of its refusal: the time-out quotes it.
  const Result silent = run({C("a1 NOOP"), S("* BAD you what")}, Command("NOOP"), {}, {}, Errc::timeout);
  EXPECT_EQ(silent.played.error.code, Errc::timeout);
  EXPECT_EQ(silent.played.error.server, "you what");
}

TEST(Exchange, AnEndlessAnswerHasAnEnd) {
  Session session;
  session.limits.untagged = 100;
  Exchange e(session, Command("NOOP"), "x");
  e.next();
  e.written();
  for (int i = 0; i < 200; ++i) e.feed("* 1 EXISTS\r\n");
  EXPECT_EQ(e.next().kind, Action::Kind::failed);
  EXPECT_EQ(e.error().code, Errc::limit);
}

TEST(Exchange, ADeadSessionRefusesCommands) {
  Session session;
  session.dead = true;
  Exchange e(session, Command("NOOP"), "x");
  EXPECT_EQ(e.next().kind, Action::Kind::failed);
  EXPECT_EQ(e.error().code, Errc::closed);
}

}  // namespace
}  // namespace mailroom::imap
