// The opening dialogue: credentials only after TLS, nothing believed from before it.
#include "imap/proto/opening.hpp"

#include <gtest/gtest.h>

#include "auth/base64.hpp"
#include "net/script.hpp"

namespace mailroom::imap {
namespace {

using namespace testing;

const Script kStartTls = {S("* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED X-OLD] hi"),
                          C("a1 STARTTLS"),
                          S("a1 OK go"),
                          Tls(),
                          C("a2 CAPABILITY"),
                          S("* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN"),
                          S("a2 OK"),
                          C("a3 AUTHENTICATE PLAIN AHRpbQBwdw=="),
                          S("* CAPABILITY IMAP4rev1 IDLE"),
                          S("a3 OK in")};
const Script kAsked = {S("* OK hi"),
                       C("a1 CAPABILITY"),
                       S("* CAPABILITY IMAP4rev1 AUTH=LOGIN AUTH=PLAIN"),
                       S("a1 OK"),
                       C("a2 AUTHENTICATE PLAIN"),
                       S("+"),
                       C("AHRpbQBwdw=="),
                       S("a2 OK [CAPABILITY IMAP4rev1 IDLE] in")};
const Script kLogin = {S("* OK [CAPABILITY IMAP4rev1] hi"),
                       C("a1 LOGIN \"tim\" \"pw\""),
                       S("a1 OK in"),
                       C("a2 CAPABILITY"),
                       S("* CAPABILITY IMAP4rev1 IDLE"),
                       S("a2 OK")};

struct Trial {
  auth::Credentials who{"tim", aoh::Secret("pw")};
  Session session;
  Played played;
};

Trial open(const Script& script, bool starttls, bool required = true, Cut cut = {},
           Errc last = Errc::closed) {
  Trial t;
  t.session.tls = !starttls;
  OpeningOptions o;
  o.starttls = starttls;
  o.tls_required = required;
  o.credentials = &t.who;
  Opening machine(t.session, o);
  t.played = play(machine, script, {}, cut, last);
  return t;
}

TEST(ImapOpening, SignsInHoweverItIsCut) {
  const auto check = [](const Script& script, bool starttls) {
    const auto one = [&](Cut c) {
      const Trial t = open(script, starttls, true, c);
      EXPECT_EQ(t.played.end, Action::Kind::done) << t.played.error.line();
      EXPECT_EQ(t.session.caps.names(), (std::vector<std::string>{"IMAP4REV1", "IDLE"}));
      EXPECT_TRUE(t.session.signed_in);
      EXPECT_EQ(t.played.before_tls, starttls ? "a1 STARTTLS\r\n" : "");
      EXPECT_GE(t.played.secrets, 1u);
    };
    one({});
    every_cut(script, one);
  };
  check(kStartTls, true);
  check(kAsked, false);
  check(kLogin, false);
}

TEST(ImapOpening, EveryBreakIsAnErrorAndNoSecretGoesOutBeforeTls) {
  const std::vector<std::string> instead = {
      "* BYE x\r\n",      "a1 BYE x\r\n", "a1 NO x\r\n", "a2 NO x\r\n", "a3 NO x\r\n", "a1 BAD x\r\n",
      "* PREAUTH hi\r\n", "garbage\r\n",  "+ ?\r\n",     "* NO x\r\n",  "a9 OK x\r\n", "* 5 EXISTS\r\n"};
  for (const bool starttls : {true, false})
    for (const Errc last : {Errc::closed, Errc::timeout})
      every_break(starttls ? kStartTls : kAsked, instead, [&](const Script& s, std::size_t i) {
        const bool preauth = i == 0 && !s.empty() && s.back().text.starts_with("* PREAUTH");
        if (preauth && !starttls) return;  // under TLS it is a way to be signed in, see below
        Session session;
        session.tls = !starttls;
        const auth::Credentials who{"tim", aoh::Secret("pw")};
        OpeningOptions o;
        o.starttls = starttls;
        o.credentials = &who;
        Opening machine(session, o);
        const Played p = play(machine, s, {}, {}, last, Strict::no);
        EXPECT_EQ(p.end, Action::Kind::failed);
        EXPECT_NE(p.error.code, Errc::internal) << p.error.line();
        EXPECT_TRUE(session.dead);
        EXPECT_EQ(p.before_tls.find("AHRpb"), std::string::npos);
        if (starttls && p.before_tls.empty()) {
          EXPECT_EQ(p.secrets, 0u);
          EXPECT_EQ(p.error.server, "") << "nobody vouches for words from before TLS";
        }
      });
}

/// After the sign-in on a connection that is under TLS already.
Trial open_with(const Script& script, Quirks quirks, Cut cut = {}) {
  Trial t;
  t.who.user = "tim@x.example";
  t.session.tls = true;
  t.session.quirks = quirks;
  OpeningOptions o;
  o.credentials = &t.who;
  o.identity = {{"name", "Mailroom"}, {"version", "0.1"}};
  Opening machine(t.session, o);
  t.played = play(machine, script, {}, cut);
  return t;
}

// Quirks id_after_sign_in and capability_after_sign_in: NetEase lets nobody in without ID, Tencent tells of
// IDLE only when it is asked again.
TEST(ImapOpening, IdAndCapabilitiesWhereTheServerWantsThem) {
  Quirks quirks;
  quirks.add(Quirk::id_after_sign_in);
  quirks.add(Quirk::capability_after_sign_in);
  Script s = {S("* OK [CAPABILITY IMAP4rev1 IDLE ID] QQMail IMAP4Server ready"),
              C("a1 LOGIN \"tim@x.example\" \"pw\""),
              S("a1 OK [CAPABILITY IMAP4REV1 ID UIDPLUS] signed in"),
              C("a2 CAPABILITY"),
              S("* CAPABILITY IMAP4rev1 IDLE ID UIDPLUS"),
              S("a2 OK"),
              C("a3 ID (\"name\" \"Mailroom\" \"support-email\" \"tim@x.example\" \"version\" \"0.1\")"),
              S("* ID (\"name\" \"Coremail\")"),
              S("a3 OK")};
  every_cut(s, [&](Cut cut) {
    const Trial t = open_with(s, quirks, cut);
    EXPECT_EQ(t.played.end, Action::Kind::done) << t.played.error.line();
    EXPECT_TRUE(t.session.caps.has("IDLE"));
  });
  for (const char* refused : {"a3 NO", "a3 BAD Parse command error"}) {
    s.back() = S(refused);
    const Trial t = open_with(s, quirks);
    EXPECT_EQ(t.played.end, Action::Kind::done) << "what it refuses it can tell at the SELECT";
    EXPECT_FALSE(t.session.dead);
  }
  every_break(s, {"* BYE x\r\n", "a9 OK\r\n", "garbage\r\n"}, [&](const Script& broken, std::size_t) {
    Trial t;
    t.who.user = "tim@x.example";
    t.session.tls = true;
    t.session.quirks = quirks;
    OpeningOptions o;
    o.credentials = &t.who;
    Opening machine(t.session, o);
    const Played p = play(machine, broken, {}, {}, Errc::closed, Strict::no);
    EXPECT_EQ(p.end, Action::Kind::failed);
    EXPECT_TRUE(t.session.dead);
  });
  EXPECT_EQ(open_with({s[0], s[1], s[2]}, {}).played.wrote, "a1 LOGIN \"tim@x.example\" \"pw\"\r\n")
      << "without the quirk neither";
}

TEST(ImapOpening, EnablesRev2AndUtf8WhereTheyAreOffered) {
  const Script s = {S("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR LITERAL-] hi"),
                    C("a1 AUTHENTICATE PLAIN AHRpbUB4LmV4YW1wbGUAcHc="),
                    S("a1 OK [CAPABILITY IMAP4rev1 IMAP4rev2 ENABLE UTF8=ACCEPT IDLE] in"),
                    C("a2 ENABLE IMAP4rev2 UTF8=ACCEPT"),
                    S("* ENABLED IMAP4rev2 UTF8=ACCEPT"),
                    S("a2 OK")};
  every_cut(s, [&](Cut cut) {
    const Trial t = open_with(s, {}, cut);
    EXPECT_EQ(t.played.end, Action::Kind::done) << t.played.error.line();
    EXPECT_TRUE(t.session.rev2() && t.session.utf8_names());
  });
  Script refused(s.begin(), s.end() - 2);
  refused.push_back(S("a2 BAD what"));
  const Trial t = open_with(refused, {});
  EXPECT_EQ(t.played.end, Action::Kind::done);
  EXPECT_FALSE(t.session.utf8_names());
}

TEST(ImapOpening, StrippedOrRefusedStartTlsEndsIt) {
  EXPECT_EQ(open({S("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi")}, true).played.error.code,
            Errc::starttls_missing);
  EXPECT_EQ(open({S("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi"), C("a1 STARTTLS"), S("a1 NO not today")}, true)
                .played.error.code,
            Errc::starttls_missing);
  EXPECT_EQ(open({S("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi"), C("a1 STARTTLS"), S("a1 BAD what")}, true)
                .played.error.code,
            Errc::starttls_missing);
}

TEST(ImapOpening, NothingFromBeforeTheHandshakeSurvivesIt) {
  for (const char* injected : {"a1 OK go\r\n* CAPABILITY AUTH=PLAIN\r\n", "a1 OK go\r\nx",
                               "a1 OK go\r\n* OK [ALERT] call 555\r\n"}) {
    const Trial t = open({kStartTls[0], kStartTls[1], Sraw(injected)}, true);
    EXPECT_EQ(t.played.error.code, Errc::protocol) << injected;
    EXPECT_EQ(t.played.wrote, "a1 STARTTLS\r\n");
  }
  // The tagged OK before the command was sent.
  const Trial early = open({Sraw("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\na1 OK go\r\n")}, true);
  EXPECT_EQ(early.played.error.code, Errc::protocol);
  EXPECT_EQ(early.played.wrote, "");
  // Mailbox data and capabilities from before are gone.
  Script s = kStartTls;
  s.insert(s.begin() + 2, {S("* 99 EXISTS"), S("* OK [UIDVALIDITY 66] x")});
  const Trial t = open(s, true);
  EXPECT_EQ(t.played.end, Action::Kind::done) << t.played.error.line();
  EXPECT_EQ(t.session.mailbox.exists, 0u);
  EXPECT_EQ(t.session.mailbox.uid_validity, 0u);
  EXPECT_FALSE(t.session.caps.has("X-OLD"));
}

TEST(ImapOpening, PreauthIsRefusedBeforeTlsAndFineUnderIt) {
  const Trial bad = open({S("* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi")}, true);
  EXPECT_EQ(bad.played.error.code, Errc::protocol);
  EXPECT_EQ(bad.played.wrote, "");
  const Trial good = open({S("* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hi")}, false);
  EXPECT_EQ(good.played.end, Action::Kind::done);
  EXPECT_EQ(good.played.secrets, 0u);
}

TEST(ImapOpening, TellsAWrongPasswordFromNotNow) {
  const auto with = [](const char* answer) {
    Script s(kStartTls.begin(), kStartTls.end() - 2);
    s.push_back(S(answer));
    return open(s, true).played.error;
  };
  EXPECT_EQ(with("a3 NO [AUTHENTICATIONFAILED] no").code, Errc::auth);
  EXPECT_EQ(with("a3 NO no").code, Errc::auth);
  EXPECT_EQ(with("a3 NO no").server, "no");
  EXPECT_EQ(with("a3 NO [UNAVAILABLE] later").code, Errc::auth_throttled);
  EXPECT_EQ(with("a3 NO [LIMIT] later").code, Errc::auth_throttled);
  EXPECT_EQ(with("a3 BYE too many").code, Errc::bye);
  EXPECT_EQ(open({S("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=GSSAPI] hi")}, false).played.error.code,
            Errc::unsupported);
  EXPECT_EQ(open({S("* BYE too many connections")}, false).played.error.server, "too many connections");
}

/// Under TLS, with what `who` has; the script begins behind the greeting.
Played sign_in(const char* capabilities, const Script& rest, const auth::Credentials& who,
               auth::Circumstances where = {}, Cut cut = {}) {
  Script s = {S(std::string("* OK [CAPABILITY IMAP4rev1 ") + capabilities + "] hi")};
  s.insert(s.end(), rest.begin(), rest.end());
  Session session;
  session.tls = true;
  OpeningOptions o;
  o.credentials = &who;
  o.circumstances = [where] { return where; };
  Opening machine(session, o);
  return play(machine, s, {}, cut);
}
std::string encoded(std::string_view text) { return std::string(auth::base64(text).reveal()); }

const Line kIn = S("a1 OK [CAPABILITY IMAP4rev1] in");

TEST(ImapOpening, ARefusedTokenIsAnsweredAsItsMechanismWants) {
  const auth::Credentials who{"tim", {}, aoh::Secret("t0ken")};
  const std::string json = R"({"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"})";
  const std::string xoauth2 = encoded(
                        "user=tim\x01"
                        "auth=Bearer t0ken\x01\x01"),
                    bearer = encoded(
                        "n,a=tim,\x01"
                        "auth=Bearer t0ken\x01\x01");
  const Script refused = {C("a1 AUTHENTICATE XOAUTH2 " + xoauth2), S("+ " + encoded(json)), C(""),
                          S("a1 NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)")};
  every_cut(refused, [&](Cut cut) {
    const Played p = sign_in("SASL-IR AUTH=PLAIN AUTH=XOAUTH2", refused, who, {}, cut);
    EXPECT_EQ(p.error.code, Errc::auth);
    EXPECT_EQ(p.error.server,
              "[AUTHENTICATIONFAILED] Invalid credentials (Failure) (status 400, scope "
              "https://mail.google.com/, schemes Bearer)");
    EXPECT_NE(p.error.cure.find("sign in again"), std::string::npos);
  });
  EXPECT_EQ(
      sign_in("SASL-IR AUTH=OAUTHBEARER",
              {C("a1 AUTHENTICATE OAUTHBEARER " + bearer), S("+ " + encoded(json)), C("AQ=="), S("a1 NO no")},
              who)
          .error.code,
      Errc::auth);
  EXPECT_EQ(sign_in("AUTH=XOAUTH2", {C("a1 AUTHENTICATE XOAUTH2"), S("+ "), C(xoauth2), kIn}, who).end,
            Action::Kind::done);
  EXPECT_EQ(
      sign_in("SASL-IR AUTH=OAUTHBEARER AUTH=XOAUTH2",
              {C("a1 AUTHENTICATE OAUTHBEARER " + bearer), S("a1 NO Unsupported authentication mechanism"),
               C("a2 AUTHENTICATE XOAUTH2 " + xoauth2), S("a2 OK [CAPABILITY IMAP4rev1] in")},
              who)
          .end,
      Action::Kind::done);
  EXPECT_EQ(sign_in("AUTH=PLAIN", {}, who).error.code, Errc::unsupported) << "a token is no password";
  EXPECT_EQ(sign_in("", {}, who).error.code, Errc::unsupported) << "nor one for LOGIN";
}

TEST(ImapOpening, AMechanismThatIsNotKnownGivesWayAndAPasswordIsJudgedOnce) {
  const auth::Credentials who{"user", aoh::Secret("pencil")};
  const auth::Circumstances where{"rOprNGfwEbeRWgbNEkqO", {}, {}};
  const std::string first = encoded("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  const std::string plain = encoded(std::string("\0user\0pencil", 12));
  const char* const offer = "SASL-IR AUTH=PLAIN AUTH=LOGIN AUTH=SCRAM-SHA-256";
  for (const char* no : {"a1 BAD what", "a1 NO Unsupported authentication mechanism."}) {
    const Played p = sign_in(offer,
                             {C("a1 AUTHENTICATE SCRAM-SHA-256 " + first), S(no),
                              C("a2 AUTHENTICATE PLAIN " + plain), S("a2 OK [CAPABILITY IMAP4rev1] in")},
                             who, where);
    EXPECT_EQ(p.end, Action::Kind::done) << p.error.line();
  }
  for (const char* no : {"a1 NO no", "a1 NO [AUTHENTICATIONFAILED] no", "a1 NO [UNAVAILABLE] later"})
    EXPECT_EQ(sign_in(offer, {C("a1 AUTHENTICATE SCRAM-SHA-256 " + first), S(no)}, who, where).end,
              Action::Kind::failed);
  // The password is out: whatever the server says, it is not sent once more.
  for (const char* no : {"a1 BAD what", "a1 NO no"})
    EXPECT_EQ(sign_in("SASL-IR AUTH=PLAIN AUTH=LOGIN", {C("a1 AUTHENTICATE PLAIN " + plain), S(no)}, who)
                  .error.code,
              Errc::auth);
}

TEST(ImapOpening, LoginOnlyWhereItIsAllowed) {
  auth::Credentials who{"tim", aoh::Secret("pw")};
  const Script login = {C("a1 LOGIN \"tim\" \"pw\""), kIn};
  EXPECT_EQ(sign_in("", login, who).end, Action::Kind::done);
  EXPECT_EQ(sign_in("AUTH=GSSAPI", login, who).end, Action::Kind::done);
  EXPECT_EQ(sign_in("LOGINDISABLED", {}, who).error.code, Errc::unsupported);
  who.mechanisms = {"SCRAM-SHA-256"};
  EXPECT_EQ(sign_in("", {}, who).error.code, Errc::unsupported);
  EXPECT_EQ(sign_in("AUTH=PLAIN", {}, who).error.code, Errc::unsupported);
}

TEST(ImapOpening, ScramBindsAndAServerThatHasNotProvenItselfIsNotBelieved) {
  const auth::Credentials who{"user", aoh::Secret("pencil")};
  const auth::Circumstances where{"rOprNGfwEbeRWgbNEkqO", {}, {}};
  const Script whole = {
      C("a1 AUTHENTICATE SCRAM-SHA-256"),
      S("+"),
      C(encoded("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")),
      S("+ " +
        encoded("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")),
      C(encoded("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")),
      S("+ " + encoded("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")),
      C(""),
      kIn};
  EXPECT_EQ(sign_in("AUTH=SCRAM-SHA-256", whole, who, where).end, Action::Kind::done);
  Script early(whole.begin(), whole.begin() + 5);
  early.push_back(kIn);
  EXPECT_EQ(sign_in("AUTH=SCRAM-SHA-256", early, who, where).error.code, Errc::protocol);
  EXPECT_EQ(sign_in("AUTH=SCRAM-SHA-256", {whole[0], kIn}, who, where).error.code, Errc::protocol);
  // A binding that the server does not know: the other one, then the form without.
  const auth::Circumstances tls{"rOprNGfwEbeRWgbNEkqO", "exported", "digest"};
  const Line no = S("+ " + encoded("e=unsupported-channel-binding-type"));
  EXPECT_EQ(sign_in("SASL-IR AUTH=SCRAM-SHA-256 AUTH=SCRAM-SHA-256-PLUS",
                    {C("a1 AUTHENTICATE SCRAM-SHA-256-PLUS " +
                       encoded("p=tls-exporter,,n=user,r=rOprNGfwEbeRWgbNEkqO")),
                     no, C(""), S("a1 NO no"),
                     C("a2 AUTHENTICATE SCRAM-SHA-256-PLUS " +
                       encoded("p=tls-server-end-point,,n=user,r=rOprNGfwEbeRWgbNEkqO")),
                     no, C(""), S("a2 NO no"),
                     C("a3 AUTHENTICATE SCRAM-SHA-256 " + encoded("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")),
                     S("a3 NO [AUTHENTICATIONFAILED] no")},
                    who, tls)
                .error.code,
            Errc::auth);
}

// Quirk hidden_xoauth2.
TEST(ImapOpening, XoauthIsUsedUnannouncedWhereThatIsKnown) {
  Trial t;
  t.who = {"tim", {}, aoh::Secret("t0ken")};
  t.session.tls = true;
  t.session.quirks.add(Quirk::hidden_xoauth2);
  OpeningOptions o;
  o.credentials = &t.who;
  Opening machine(t.session, o);
  const Script s = {S("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi"),
                    C("a1 AUTHENTICATE XOAUTH2 " + encoded("user=tim\x01"
                                                           "auth=Bearer t0ken\x01\x01")),
                    kIn};
  EXPECT_EQ(play(machine, s).end, Action::Kind::done);
}

}  // namespace
}  // namespace mailroom::imap
