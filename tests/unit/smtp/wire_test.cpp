// Whole deliveries against a server that reads the raw bytes for itself: what arrives is what was given,
// nothing else is ever a command, and every refusal at every step has its outcome.
#include <gtest/gtest.h>

#include "peer.hpp"
#include "smtp/proto/command.hpp"
#include "smtp/proto/delivery.hpp"

namespace mailroom::smtp {
namespace {

using testing::Peer;

/// A source that gives blocks of a fixed size.
class Pieces final : public MessageSource {
 public:
  Pieces(std::string message, std::size_t piece) : all_(std::move(message)), piece_(piece) {}
  std::uint64_t size() const override { return all_.size(); }
  void rewind() override { at_ = 0; }
  std::string_view next() override {
    const std::string_view block = std::string_view(all_).substr(at_, piece_);
    at_ += block.size();
    return block;
  }
  std::string all_;

 private:
  std::size_t piece_, at_ = 0;
};

Capabilities capabilities(const Peer& peer) {
  Reply r;
  r.code = 250;
  r.lines = {"peer"};
  for (std::size_t at = 0, end; (end = peer.extensions.find("\r\n", at)) != std::string::npos; at = end + 2)
    r.lines.push_back(peer.extensions.substr(at + 4, end - at - 4));
  return parse_capabilities(r);
}

Envelope envelope(std::vector<std::string> to = {"c@d", "e@f"}) {
  Envelope e;
  e.from = "a@b";
  e.to = std::move(to);
  return e;
}

struct Ended {
  Outcome outcome;
  Action::Kind end{};
  bool committed = false;
};

/// Runs one delivery; `cut`: after that many of the peer's answers it is gone.
Ended run(Session& session, Peer& peer, const Envelope& e, const Message& message,
          bool all_or_nothing = false) {
  Delivery m(session, e, message, all_or_nothing);
  Ended out;
  std::string waiting;  // what the peer has said and the machine not read
  for (int turn = 0; turn < 100'000; ++turn) {
    const Action a = m.next();
    switch (a.kind) {
      case Action::Kind::write:
        waiting += peer.take(a.bytes);
        m.written();
        break;
      case Action::Kind::read:
        if (waiting.empty()) {
          m.fail({Errc::closed, "hung up", {}, {}, {}});
          break;
        }
        m.feed(waiting.substr(0, 1 + waiting.size() / 2));  // a late server: in two halves
        waiting.erase(0, 1 + waiting.size() / 2);
        break;
      case Action::Kind::event:
        out.committed = true;
        m.commit();
        break;
      default:
        out.end = a.kind;
        out.outcome = m.outcome();
        return out;
    }
  }
  ADD_FAILURE() << "never ends";
  return out;
}

Session session_for(const Peer& peer) {
  Session s;
  s.tls = true;
  s.caps = capabilities(peer);
  return s;
}

std::string with_end(std::string message) {
  if (!message.ends_with("\r\n")) message += "\r\n";
  return message;
}

// Each piece of a smuggling sequence, at every edge of the source's blocks and of the wire's, by DATA and
// BDAT.
TEST(Wire, NothingInAMessageEndsItEarly) {
  const std::string hostile[] = {"\r\n.\r\n",
                                 "\r\n..\r\n",
                                 ".\r\n.\r\n",
                                 "\r\n.\r\n.\r\n.",
                                 "\r\n.\r\nMAIL FROM:<x@y>\r\nRCPT TO:<z@z>\r\nDATA\r\nevil\r\n.\r\n",
                                 ".",
                                 "..",
                                 ""};
  for (const bool chunked : {false, true})
    for (const std::string& bad : hostile)
      for (const std::size_t piece : {1u, 2u, 3u, 4u, 5u, 7u, 4096u}) {
        // By BDAT only what is large: a filler of whole lines, so that the edges fall everywhere.
        std::string filler;
        while (chunked && filler.size() < Delivery::kChunkedFrom) filler += std::string(60, 'f') + "\r\n";
        Pieces source(filler + "S: x\r\n\r\nbefore" + bad + "after" + bad, chunked ? piece * 16 + 1 : piece);
        const Message message(source);
        Peer peer;
        Session session = session_for(peer);
        const Ended done = run(session, peer, envelope(), message);
        ASSERT_EQ(name(done.outcome.state), "delivered") << done.outcome.error.line();
        ASSERT_EQ(peer.mails.size(), 1u);
        EXPECT_EQ(peer.mails[0].chunked, chunked);
        EXPECT_TRUE(peer.mails[0].bytes == with_end(source.all_)) << bad << " in pieces of " << piece;
        EXPECT_EQ(peer.bare, 0u);
        if (!chunked) {
          EXPECT_EQ(peer.mails[0].raw.find("\r\n.\r\n"), std::string::npos);
        }
        EXPECT_EQ(peer.mails[0].to.size(), 2u);
      }
}

TEST(Wire, ADotAtEveryEdgeOfAWrite) {
  for (std::size_t off = 0; off < 6; ++off)
    for (const char* end : {"\r\n.\r\n", "\r\n..", "\r\n.", "\r\n", "\r"}) {
      if (std::string_view(end) == "\r") continue;
      std::string text(Body::kPiece - 3 - off, 'x');
      for (std::size_t i = 100; i + 2 < text.size(); i += 100) text.replace(i, 2, "\r\n");
      text += end + std::string("tail\r\n.\r\n");
      Peer peer;
      peer.extensions = "250-PIPELINING\r\n";
      Pieces source(text, 4099);
      const Message message(source);
      Session session = session_for(peer);
      EXPECT_EQ(name(run(session, peer, envelope(), message).outcome.state), "delivered");
      ASSERT_EQ(peer.mails.size(), 1u);
      EXPECT_TRUE(peer.mails[0].bytes == text) << off;
      EXPECT_EQ(peer.bare, 0u);
    }
}

TEST(Wire, BareLineEndsNeverReachIt) {
  for (const char* bad :
       {"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\n", "\r", "\r\r\n", "\n\r"})
    for (std::size_t piece = 1; piece <= 9; ++piece) {
      Pieces source("S: x\r\n\r\nb" + std::string(bad) + "a\r\n", piece);
      EXPECT_THROW(Message{source}, Failure) << piece;
      Pieces at_end("S: x\r\n\r\nb" + std::string(bad), piece);
      EXPECT_THROW(Message{at_end}, Failure) << piece;
    }
  for (std::size_t piece = 1; piece <= 9; ++piece) {
    Pieces nul(std::string("a\0b\r\n", 5), piece);
    EXPECT_THROW(Message{nul}, Failure);
    Pieces longest(std::string(998, 'x') + "\r\n", piece), longer(std::string(999, 'x') + "\r\n", piece);
    EXPECT_NO_THROW(Message{longest});
    EXPECT_THROW(Message{longer}, Failure);
  }
}

TEST(Wire, ASourceThatChangesIsNotSent) {
  for (const std::size_t size : {100u, 100'000u})
    for (const bool longer : {false, true}) {
      std::string text;
      while (text.size() < size) text += "a line\r\n";
      Pieces source(text, 1000);
      const Message message(source);
      if (longer)
        source.all_ += "more\r\n";
      else
        source.all_.resize(text.size() - 8);
      Peer peer;
      Session session = session_for(peer);
      const Ended done = run(session, peer, envelope(), message);
      EXPECT_EQ(name(done.outcome.state), "temporary");
      EXPECT_FALSE(done.committed);
      EXPECT_FALSE(done.outcome.connection_ok);
      EXPECT_TRUE(peer.mails.empty());
    }
}

// 421, a refusal for good and one for now in the place of every answer there is.
TEST(Wire, EveryRefusalAtEveryStepHasItsOutcome) {
  std::string large = "S: x\r\n\r\n";
  while (large.size() < 1'000'000) large += "a line of the large one\r\n";
  const std::string small = "S: x\r\n\r\nsmall\r\n";
  for (const bool pipelining : {false, true})
    for (const bool all_or_nothing : {false, true})
      for (const std::string* text : {&small, &std::as_const(large)})
        for (const char* step : {"RSET", "MAIL", "RCPT TO:<c", "RCPT TO:<e", "DATA", "BDAT", "."})
          for (const char* said : {"421 4.3.2 bye\r\n", "550 5.1.1 no\r\n", "450 4.7.1 greylisted\r\n", ""}) {
            Peer peer;
            if (!pipelining) peer.extensions.erase(0, peer.extensions.find("250-8BIT"));
            const bool chunked = text == &large;
            if (std::string_view(step) == (chunked ? "DATA" : "BDAT")) continue;
            peer.say[step] = {said};
            Session session = session_for(peer);
            session.used = true;
            StringSource source(*text);
            const Message message(source);
            const Ended done = run(session, peer, envelope(), message, all_or_nothing);
            const std::string where = std::string(step) + " " + said + (pipelining ? " pipelined" : "") +
                                      (chunked ? " chunked" : "") + (all_or_nothing ? " all" : "");
            const std::string state(name(done.outcome.state));
            const char kind = *said ? said[1] == '2' ? 'b' : *said : 'c';
            const bool at_end = *step == '.',
                       one = std::string_view(step).starts_with("RCPT") && kind != 'b' && kind != 'c';
            if (one && !all_or_nothing) {
              EXPECT_EQ(state, "delivered") << where;
              EXPECT_EQ(peer.mails.at(0).to.size(), 1u) << where;
            } else {
              EXPECT_EQ(state, kind == 'c' && at_end                             ? "uncertain"
                               : kind == '5' && std::string_view(step) != "RSET" ? "refused"
                                                                                 : "temporary")
                  << where;
              EXPECT_TRUE(peer.mails.empty()) << where;
              EXPECT_TRUE(static_cast<bool>(done.outcome.error)) << where;
            }
            EXPECT_EQ(done.committed, at_end || (one && !all_or_nothing)) << where;
            const bool gone = kind == 'b' || kind == 'c' || std::string_view(step) == "RSET";
            EXPECT_EQ(done.outcome.connection_ok, !gone) << where;
            EXPECT_EQ(session.dead, gone) << where;
            EXPECT_EQ(peer.bare, 0u);
            if (gone) continue;
            // The same connection takes the next message, whatever was left open.
            peer.say.clear();
            const std::size_t before = peer.mails.size();
            EXPECT_EQ(name(run(session, peer, envelope(), message).outcome.state), "delivered") << where;
            ASSERT_EQ(peer.mails.size(), before + 1) << where;
            EXPECT_TRUE(peer.mails.back().bytes == *text) << where;
            EXPECT_EQ(peer.mails.back().to.size(), 2u) << where;
          }
}

// RFC 2920 §3.1: DATA was pipelined, nobody is a recipient, and the server asks for the message all the same.
TEST(Wire, AMessageForNobodyIsEmpty) {
  for (const char* refused : {"RCPT", "MAIL"})
    for (const char* end : {"554 no\r\n", "250 ok\r\n", "421 bye\r\n", ""}) {
      Peer peer;
      peer.say[refused] = {"550 5.1.1 no\r\n", "550 5.1.1 no\r\n"};
      peer.say["DATA"] = {"354 go\r\n"};
      peer.say["."] = {end};
      Session session = session_for(peer);
      StringSource source("S: x\r\n\r\nsecret\r\n");
      const Message message(source);
      const Ended done = run(session, peer, envelope(), message);
      EXPECT_EQ(name(done.outcome.state), "refused") << refused << end;
      EXPECT_EQ(done.outcome.code, 550);
      EXPECT_FALSE(done.committed);
      EXPECT_TRUE(peer.mails.empty());
      EXPECT_FALSE(peer.in_message()) << "the server waits for a message for ever";
      EXPECT_EQ(done.outcome.connection_ok, *end == '5' || *end == '2');
    }
}

TEST(Wire, FewRoundTripsAndNoNeedlessReset) {
  Peer peer;
  Session session = session_for(peer);
  StringSource source("S: x\r\n\r\nsmall\r\n");
  const Message message(source);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(name(run(session, peer, envelope(), message).outcome.state), "delivered");
  EXPECT_EQ(peer.resets, 0u);
  EXPECT_EQ(peer.commands.size(), 3u * 4);
  // One read for the whole envelope, one for the end.
  Session again = session_for(peer);
  Delivery m(again, envelope(), message, false);
  EXPECT_TRUE(m.next().bytes.ends_with("RCPT TO:<e@f>\r\nDATA\r\n"));
}

TEST(Wire, LargeMessagesGoInChunksThatAreAnsweredBeforeTheCommit) {
  for (const bool pipelining : {true, false}) {
    std::string text = "S: x\r\n\r\n";
    while (text.size() < 5'000'000) text += ".dots stay as they are\r\n";
    Peer peer;
    if (!pipelining) peer.extensions.erase(0, peer.extensions.find("250-8BIT"));
    Session session = session_for(peer);
    Pieces source(text, 10'007);
    const Message message(source);
    EXPECT_EQ(name(run(session, peer, envelope(), message).outcome.state), "delivered");
    ASSERT_EQ(peer.mails.size(), 1u);
    EXPECT_TRUE(peer.mails[0].bytes == text);
    EXPECT_TRUE(peer.mails[0].chunked);
    EXPECT_EQ(peer.commands.back(), "BDAT 2 LAST");
    EXPECT_GE(peer.commands.size(), 3 + text.size() / (300 * 1024));
  }
}

TEST(Wire, ReportsAreAskedForAsTheStandardWants) {
  Peer peer;
  Session session = session_for(peer);
  StringSource source("S: x\r\n\r\nsmall\r\n");
  const Message message(source);
  Envelope e = envelope({"o+b=c@d", "gr\xC3\xBCn@\xE4\xBE\x8B.example"});
  e.smtputf8 = true;
  e.dsn.success = e.dsn.failure = true;
  e.dsn.content = Dsn::Return::headers;
  e.dsn.envelope_id = "QQ+31=4";
  const Ended done = run(session, peer, e, message);
  EXPECT_TRUE(done.outcome.dsn);
  EXPECT_EQ(peer.commands[0], "MAIL FROM:<a@b> SMTPUTF8 RET=HDRS ENVID=QQ+2B31+3D4");
  EXPECT_EQ(peer.commands[1], "RCPT TO:<o+b=c@d> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;o+2Bb+3Dc@d");
  EXPECT_EQ(peer.commands[2],
            "RCPT TO:<gr\xC3\xBCn@\xE4\xBE\x8B.example> NOTIFY=SUCCESS,FAILURE "
            "ORCPT=utf-8;gr\\x{FC}n@\\x{4F8B}.example");
  e.dsn = {};
  e.dsn.never = true;
  e.dsn.original = {"first@x", "second@x"};
  run(session, peer, e, message);
  EXPECT_EQ(peer.commands[5], "RCPT TO:<o+b=c@d> NOTIFY=NEVER ORCPT=rfc822;first@x");

  Peer plain;
  plain.extensions = "250-SMTPUTF8\r\n";
  Session old = session_for(plain);
  const Ended without = run(old, plain, e, message);
  EXPECT_EQ(name(without.outcome.state), "delivered");
  EXPECT_FALSE(without.outcome.dsn);
  EXPECT_EQ(plain.commands[1], "RCPT TO:<o+b=c@d>");
}

TEST(Wire, ParametersCannotBreakOut) {
  StringSource source("S: x\r\n\r\nsmall\r\n");
  const Message message(source);
  Peer peer;
  Session session = session_for(peer);
  const auto refused = [&](const std::function<void(Envelope&)>& change) {
    Envelope e = envelope();
    e.smtputf8 = true;
    change(e);
    try {
      Delivery m(session, e, message, false);
    } catch (const Failure& f) {
      return f.error.code == Errc::invalid;
    }
    return false;
  };
  const std::string tricks[] = {"a\r\nRSET",
                                "a\nb",
                                "a\rb",
                                std::string("a\0b", 3),
                                "a b",
                                "<a>",
                                "a>b",
                                "a\tb",
                                "\xE2\x80\xA8",
                                "a\xC2\x85",
                                "\x7F",
                                "gr\xC3\xBCn",
                                std::string(101, 'x'),
                                std::string(40, '+')};
  for (const std::string& bad : tricks)
    EXPECT_TRUE(refused([&](Envelope& e) { e.dsn.envelope_id = bad; })) << bad;
  for (const std::string bad : {"a@b\r\nRSET", "a@b\n", "a@b\xE2\x80\xA8", "a@b c", "a@b>", "", "a"})
    EXPECT_TRUE(refused([&](Envelope& e) { e.dsn.original = {bad, "x@y"}; })) << bad;
  EXPECT_TRUE(refused([](Envelope& e) { e.dsn.original = {"x@y"}; }));
  EXPECT_TRUE(refused([](Envelope& e) { e.dsn.never = e.dsn.delay = true; }));
  EXPECT_FALSE(refused([](Envelope& e) { e.dsn.envelope_id = std::string(100, 'x'); }));
  EXPECT_NO_THROW(check_ehlo_name("host-1.example"));
  EXPECT_NO_THROW(check_ehlo_name("[IPv6:::1]"));
  for (const std::string bad : {"", "a b", "a\r\nMAIL", "a\xE2\x80\xA8", "<a>", "a_b/c"})
    EXPECT_THROW(check_ehlo_name(bad), Failure) << bad;
}

TEST(Wire, RequireTlsIsPromisedOrRefused) {
  StringSource source("S: x\r\n\r\nsmall\r\n");
  const Message message(source);
  Envelope e = envelope();
  e.require_tls = true;
  for (const bool offered : {false, true})
    for (const bool tls : {false, true}) {
      Peer peer;
      if (offered) peer.extensions += "250-REQUIRETLS\r\n";
      Session session = session_for(peer);
      session.tls = tls;
      const Ended done = run(session, peer, e, message);
      if (offered && tls) {
        EXPECT_EQ(name(done.outcome.state), "delivered");
        EXPECT_EQ(peer.commands[0], "MAIL FROM:<a@b> REQUIRETLS");
      } else {
        EXPECT_EQ(name(done.outcome.state), "refused");
        EXPECT_EQ(done.outcome.error.code, Errc::unsupported);
        EXPECT_NE(done.outcome.error.what.find("REQUIRETLS"), std::string::npos);
        EXPECT_TRUE(peer.commands.empty());
        EXPECT_TRUE(done.outcome.connection_ok);
      }
    }
}

TEST(Wire, AnEnhancedCodeCountsOnlyWhereAnnounced) {
  StringSource source("S: x\r\n\r\nsmall\r\n");
  const Message message(source);
  for (const bool announced : {false, true}) {
    Peer peer;
    peer.extensions = announced ? "250-ENHANCEDSTATUSCODES\r\n" : "";
    peer.say["."] = {"552 5.3.4 is our rule about sizes\r\n"};
    Session session = session_for(peer);
    const Ended done = run(session, peer, envelope(), message);
    EXPECT_EQ(done.outcome.enhanced, announced ? "5.3.4" : "");
    EXPECT_EQ(done.outcome.server, "552 5.3.4 is our rule about sizes");
  }
}

}  // namespace
}  // namespace mailroom::smtp
