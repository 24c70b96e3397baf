// What MAIL and RCPT are asked with, and what is read in the answers: DSN, REQUIRETLS, enhanced codes.
#include "wire.hpp"

namespace mailroom::smtp {
namespace {

TEST(WireParameters, ReportsAreAskedForAsTheStandardWants) {
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

TEST(WireParameters, ParametersCannotBreakOut) {
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

TEST(WireParameters, RequireTlsIsPromisedOrRefused) {
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

TEST(WireParameters, AnEnhancedCodeCountsOnlyWhereAnnounced) {
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
