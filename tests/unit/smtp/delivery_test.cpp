// One message: every outcome, above all the line between 'not sent' and 'nobody knows'.
#include "smtp/proto/delivery.hpp"

#include <gtest/gtest.h>

#include "net/script.hpp"

namespace mailroom::smtp {
namespace {

using namespace testing;

/// A message in memory with all that a delivery needs of it.
struct Text {
  explicit Text(std::string_view text) : source(text), message(source) {}
  StringSource source;
  Message message;
};

const std::string kMessage = "Subject: x\r\n\r\n.\r\nend\r\n";
const Script kPlain = {C("MAIL FROM:<a@b>"),
                       S("250 2.1.0 ok"),
                       C("RCPT TO:<c@d>"),
                       S("250 2.1.5 ok"),
                       C("RCPT TO:<e@f>"),
                       S("250 2.1.5 ok"),
                       C("DATA"),
                       S("354 go"),
                       Craw("Subject: x\r\n\r\n..\r\nend"),
                       Craw("\r\n.\r\n"),
                       S("250 2.0.0 queued as 7")};
const Script kPipelined = {C("MAIL FROM:<a@b> SIZE=22\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA"),
                           S("250 ok"),
                           S("250 ok"),
                           S("250 ok"),
                           S("354 go"),
                           Craw("Subject: x\r\n\r\n..\r\nend\r\n.\r\n"),
                           S("250 queued")};

struct Trial {
  Session session;
  Played played;
  Outcome outcome;
  bool committed = false;
};

Trial deliver(const Script& script, bool pipelining = false, Cut cut = {}, bool all_or_nothing = false,
              bool used = false) {
  Trial run;
  run.session.tls = true;
  run.session.used = used;
  run.session.caps.pipelining = run.session.caps.size = pipelining;
  run.session.caps.enhanced_codes = true;
  const Text text(kMessage);
  Envelope e;
  e.from = "a@b";
  e.to = {"c@d", "e@f"};
  Delivery machine(run.session, e, text.message, all_or_nothing);
  run.played = play(
      machine, script,
      [&] {
        run.committed = true;
        machine.commit();
        return "commit";
      },
      cut);
  run.outcome = machine.outcome();
  return run;
}

TEST(Delivery, DeliversHoweverItIsCut) {
  for (const bool pipelining : {false, true}) {
    const Script& script = pipelining ? kPipelined : kPlain;
    const auto check_one = [&](Cut c) {
      const Trial run = deliver(script, pipelining, c);
      EXPECT_EQ(run.played.end, Action::Kind::done) << run.played.error.line();
      EXPECT_EQ(name(run.outcome.state), "delivered");
      EXPECT_EQ(run.played.events, std::vector<std::string>{"commit"});
      EXPECT_TRUE(run.outcome.connection_ok);
      for (const RecipientOutcome& r : run.outcome.recipients) EXPECT_EQ(name(r.state), "accepted");
    };
    check_one({});
    every_cut(script, check_one);
  }
  EXPECT_EQ(deliver(kPlain).outcome.server, "250 2.0.0 queued as 7");
}

// The one rule that must never break: uncertain exactly when the end mark may have gone out and no reply to
// it came.
TEST(Delivery, EveryBreakFallsOnTheRightSideOfTheCommit) {
  const std::vector<std::string> instead = {"421 4.3.2 bye\r\n",
                                            "550 5.1.1 no\r\n",
                                            "450 4.2.1 later\r\n",
                                            "garbage\r\n",
                                            "250",
                                            "399 x\r\n",
                                            "\r\n"};
  for (const bool pipelining : {false, true}) {
    const Script& script = pipelining ? kPipelined : kPlain;
    for (const bool all_or_nothing : {false, true})
      every_break(script, instead, [&](const Script& broken, std::size_t i) {
        const bool last = i + 1 == script.size();
        const std::string said = broken.size() > i ? broken[i].text : "";
        // A refusal in the middle goes on for the other recipient, so the dialogue then ends with the cut.
        Session session;
        session.caps.pipelining = session.caps.size = pipelining;
        Envelope e;
        e.from = "a@b";
        e.to = {"c@d", "e@f"};
        const Text text(kMessage);
        Delivery m(session, e, text.message, all_or_nothing);
        bool committed = false;
        const auto commit = [&] {
          committed = true;
          m.commit();
          return "commit";
        };
        play(m, broken, commit, {}, Errc::closed,
             Strict::no);  // after a refusal it rightly goes on differently
        const Outcome& o = m.outcome();
        EXPECT_NE(name(o.state), "delivered") << said;
        EXPECT_TRUE(static_cast<bool>(o.error));
        EXPECT_NE(o.error.code, Errc::internal) << o.error.line();
        if (!committed) {
          EXPECT_NE(name(o.state), "uncertain") << i << said;
        }
        if (last) {
          const bool answered =
              said.starts_with("421 4") || said.starts_with("550") || said.starts_with("450");
          EXPECT_EQ(name(o.state), !answered        ? "uncertain"
                                   : said[0] == '5' ? "refused"
                                                    : "temporary")
              << said;
        }
      });
  }
}

/// Runs a delivery against a server that takes everything, and cuts the connection instead of step `cut`
/// (each read, each write and the commit is one). False: the delivery had ended before that.
bool cut_at(std::size_t cut, bool pipelining, std::string_view message, Errc cause, bool all_or_nothing) {
  Session session;
  session.tls = true;
  session.caps.pipelining = session.caps.size = pipelining;
  Envelope e;
  e.from = "a@b";
  e.to = {"c@d", "e@f"};
  const Text text(message);
  Delivery m(session, e, text.message, all_or_nothing);
  std::string wrote, owed;  // all that the server has got; what it has yet to answer
  bool end_mark = false;    // has a write with the end mark been asked for, so that it may have gone out?
  bool in_message = false;  // is the server reading the message?
  for (std::size_t step = 0;; ++step) {
    const Action a = m.next();
    if (a.kind == Action::Kind::done) {
      EXPECT_EQ(name(m.outcome().state), "delivered");
      return false;
    }
    const bool ends = a.kind == Action::Kind::write && in_message && a.bytes == "\r\n.\r\n";
    end_mark = end_mark || ends;
    if (step == cut) {
      m.fail({cause, "cut", {}, {}, {}});
      EXPECT_EQ(m.next().kind, Action::Kind::failed);
      const Outcome& o = m.outcome();
      EXPECT_EQ(name(o.state), end_mark ? "uncertain" : "temporary") << "step " << step << " after\n"
                                                                     << wrote;
      EXPECT_FALSE(o.connection_ok);
      EXPECT_TRUE(session.dead);
      EXPECT_EQ(o.error.code, cause);
      EXPECT_FALSE(o.error.cure.empty() && end_mark) << "what to do when nobody knows must be said";
      return true;
    }
    if (a.kind == Action::Kind::event) {
      m.commit();
    } else if (a.kind == Action::Kind::read) {
      std::string reply;
      for (std::size_t at = 0, end; (end = owed.find("\r\n", at)) != std::string::npos; at = end + 2) {
        in_message = owed.compare(at, 4, "DATA") == 0;
        reply += in_message ? "354 go\r\n" : "250 ok\r\n";
      }
      owed.clear();
      m.feed(ends || end_mark ? "250 queued\r\n" : reply);
    } else {
      wrote += a.bytes;
      if (!in_message) owed += a.bytes;
      m.written();
    }
  }
}

// The connection goes before, in or after every read and every write there is.
TEST(Delivery, ACutAtAnyStepIsPlainlyNotSentUntilTheEndMarkGoesOut) {
  const std::string large = "Subject: x\r\n\r\n" + std::string(900, 'y') + "\r\n";
  std::string many = large;
  while (many.size() < 200'000) many += ".dots and text\r\n";  // several writes
  for (const std::string& message : {kMessage, many})
    for (const bool pipelining : {false, true})
      for (const bool all_or_nothing : {false, true})
        for (const Errc cause : {Errc::closed, Errc::timeout, Errc::cancelled}) {
          std::size_t steps = 0;
          while (steps < 100 && cut_at(steps, pipelining, message, cause, all_or_nothing)) ++steps;
          const std::size_t writes = 1 + message.size() / (64 * 1024);
          EXPECT_EQ(steps, (!pipelining      ? 8u
                            : all_or_nothing ? 4u
                                             : 2u) +
                               writes + 3)
              << "commands, message, commit, end, answer";
        }
}

TEST(Delivery, AnAnswerBeforeTheEndMarkSendsNoEndMark) {
  for (const char* early : {"354 go\r\n250 queued\r\n", "354 go\r\n552 too big\r\n"}) {
    Script s(kPlain.begin(), kPlain.begin() + 7);
    s.push_back(Sraw(early));
    s.push_back(kPlain[8]);
    const Trial run = deliver(s);
    EXPECT_EQ(name(run.outcome.state), "temporary");
    EXPECT_EQ(run.played.wrote.find("\r\n.\r\n"), std::string::npos);
  }
}

TEST(Delivery, SomeRecipientsRefused) {
  const Script partial = {C("MAIL FROM:<a@b> SIZE=22\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA"),
                          S("250 ok"),
                          S("550 5.1.1 who"),
                          S("250 ok"),
                          S("354 go"),
                          Craw("Subject: x\r\n\r\n..\r\nend\r\n.\r\n"),
                          S("250 queued")};
  const Trial some = deliver(partial, true);
  EXPECT_EQ(name(some.outcome.state), "delivered");
  EXPECT_EQ(name(some.outcome.recipients[0].state), "refused");
  EXPECT_EQ(some.outcome.recipients[0].enhanced, "5.1.1");
  EXPECT_EQ(name(some.outcome.recipients[1].state), "accepted");

  // Nothing is asked that would have to be taken back: DATA waits.
  const Script stopped = {C("MAIL FROM:<a@b> SIZE=22\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>"), S("250 ok"),
                          S("550 5.1.1 who"), S("250 ok")};
  const Trial none = deliver(stopped, true, {}, true);
  EXPECT_EQ(name(none.outcome.state), "refused");
  EXPECT_EQ(none.played.end, Action::Kind::done);
  EXPECT_TRUE(none.session.used) << "the next delivery must begin with RSET";

  Script later = stopped;
  later[2] = S("450 4.2.0 greylisted");
  later[3] = S("550 5.1.1 who");
  EXPECT_EQ(name(deliver(later, true, {}, true).outcome.state), "refused");
  Script asked = later;
  asked[0] = partial[0];
  asked.push_back(S("554 nobody"));
  EXPECT_EQ(name(deliver(asked, true).outcome.state), "temporary");

  Script sender = asked;
  sender[1] = S("550 5.7.1 not you");
  sender[3] = S("503 no sender");
  const Trial refused = deliver(sender, true);
  EXPECT_EQ(name(refused.outcome.state), "refused");
  EXPECT_EQ(refused.outcome.server, "550 5.7.1 not you");
  EXPECT_EQ(name(refused.outcome.recipients[0].state), "pending")
      << "its refusal says nothing about the recipient";
}

TEST(Delivery, ASessionThatWasUsedBeginsWithRset) {
  Script s = kPlain;
  s.insert(s.begin(), {C("RSET"), S("250 ok")});
  EXPECT_EQ(name(deliver(s, false, {}, false, true).outcome.state), "delivered");
}

TEST(Delivery, WhatTheServerCannotTakeIsNotTried) {
  Session session;
  session.caps.size = true;
  session.caps.max_size = 10;
  Envelope e;
  e.from = "a@b";
  e.to = {"c@d"};
  const auto refused = [&](std::string_view message) {
    const Text text(message);
    Delivery m(session, e, text.message, false);
    const Played p = play(m, {});
    EXPECT_EQ(p.wrote, "");
    EXPECT_TRUE(m.outcome().connection_ok);
    return std::string(name(m.outcome().state));
  };
  EXPECT_EQ(refused(kMessage), "refused");
  session.caps.max_size = 0;
  EXPECT_EQ(refused("\xC3\xA4\r\n"), "refused");  // 8-bit to a 7-bit server
  e.smtputf8 = true;
  EXPECT_EQ(refused(kMessage), "refused");
  EXPECT_THROW(Text("bare\nlf"), Failure);
}

TEST(Delivery, AThousandRecipientsGoInGroups) {
  Session session;
  session.caps.pipelining = true;
  Envelope e;
  e.from = "a@b";
  Script s;
  std::string group = "MAIL FROM:<a@b>\r\n", replies = "250 ok\r\n";
  int in_group = 1;
  for (int i = 0; i < 1000; ++i) {
    e.to.push_back("u" + std::to_string(i) + "@d");
    group += "RCPT TO:<" + e.to.back() + ">\r\n";
    replies += "250 ok\r\n";
    if (++in_group == 50 || i == 999) {
      if (i == 999) {  // there is room for it
        group += "DATA\r\n";
        replies += "354 go\r\n";
      }
      s.push_back(Craw(group));
      s.push_back(Sraw(replies));
      group.clear();
      replies.clear();
      in_group = 0;
    }
  }
  s.insert(s.end(), {Craw("x\r\n.\r\n"), S("250 queued")});
  const Text text("x\r\n");
  Delivery m(session, e, text.message, false);
  const Played p = play(m, s, [&] {
    m.commit();
    return "";
  });
  EXPECT_EQ(p.end, Action::Kind::done) << p.error.line();
  EXPECT_EQ(name(m.outcome().state), "delivered");
}

}  // namespace
}  // namespace mailroom::smtp
