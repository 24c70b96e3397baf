// Whole deliveries: what arrives is what was given, nothing else is ever a command, and every refusal at
// every step has its outcome.
#include "wire.hpp"

namespace mailroom::smtp {
namespace {

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

}  // namespace
}  // namespace mailroom::smtp
