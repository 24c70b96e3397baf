// The opening dialogue: credentials only after TLS, nothing believed from before it.
#include "smtp/proto/opening.hpp"

#include <gtest/gtest.h>

#include "auth/base64.hpp"
#include "net/script.hpp"

namespace mailroom::smtp {
namespace {

using namespace testing;

const Script kStartTls = {S("220 mx ESMTP"),
                          C("EHLO me"),
                          S("250-mx\r\n250-STARTTLS\r\n250 AUTH LOGIN"),
                          C("STARTTLS"),
                          S("220 go"),
                          Tls(),
                          C("EHLO me"),
                          S("250-mx\r\n250-PIPELINING\r\n250 AUTH PLAIN"),
                          C("AUTH PLAIN AHRpbQBwdw=="),
                          S("235 2.7.0 welcome")};
const Script kLogin = {
    S("220-two\r\n220 lines"), C("EHLO me"), S("250-mx\r\n250 AUTH LOGIN"), C("AUTH LOGIN"),
    S("334 VXNlcm5hbWU6"),     C("dGlt"),    S("334 UGFzc3dvcmQ6"),         C("cHc="),
    S("235 welcome")};

struct Trial {
  auth::Credentials who{"tim", aoh::Secret("pw")};
  Session session;
  Played played;
};

Trial open(const Script& script, bool starttls, bool required = true, Cut cut = {},
           Errc last = Errc::closed) {
  Trial run;
  run.session.tls = !starttls;
  OpeningOptions o;
  o.ehlo_name = "me";
  o.starttls = starttls;
  o.tls_required = required;
  o.credentials = &run.who;
  Opening machine(run.session, o);
  run.played = play(machine, script, {}, cut, last);
  return run;
}

TEST(SmtpOpening, StartTlsThenSignsIn) {
  const Trial run = open(kStartTls, true);
  EXPECT_EQ(run.played.end, Action::Kind::done) << run.played.error.line();
  EXPECT_TRUE(run.session.caps.pipelining);
  EXPECT_FALSE(run.session.caps.starttls);  // what came before TLS is forgotten
  EXPECT_EQ(run.played.before_tls, "EHLO me\r\nSTARTTLS\r\n");
  EXPECT_EQ(run.played.secrets, 1u);
}

TEST(SmtpOpening, IsTheSameHoweverItIsCut) {
  every_cut(kStartTls,
            [](Cut c) { EXPECT_EQ(open(kStartTls, true, true, c).played.end, Action::Kind::done) << c.at; });
  every_cut(kLogin,
            [](Cut c) { EXPECT_EQ(open(kLogin, false, true, c).played.end, Action::Kind::done) << c.at; });
}

TEST(SmtpOpening, EveryBreakIsAnErrorAndNoSecretGoesOutBeforeTls) {
  const std::vector<std::string> instead = {"421 bye\r\n", "500 what\r\n", "450 later\r\n", "garbage\r\n",
                                            "334 !\r\n",   "199 x\r\n",    "\r\n"};
  for (const bool starttls : {true, false})
    for (const Errc last : {Errc::closed, Errc::timeout})
      every_break(starttls ? kStartTls : kLogin, instead, [&](const Script& s, std::size_t) {
        const Trial run = open(s, starttls, true, {}, last);
        EXPECT_EQ(run.played.end, Action::Kind::failed);
        EXPECT_NE(run.played.error.code, Errc::ok);
        EXPECT_NE(run.played.error.code, Errc::internal) << run.played.error.line();
        EXPECT_TRUE(run.session.dead || run.played.error.code == Errc::starttls_missing);
        EXPECT_EQ(run.played.before_tls.find("AUTH"), std::string::npos);
        if (starttls && run.played.before_tls.empty()) {
          EXPECT_EQ(run.played.wrote.find("AUTH"), std::string::npos);
          EXPECT_EQ(run.played.error.server, "") << "nobody vouches for words from before TLS";
        }
      });
}

TEST(SmtpOpening, StrippedOrRefusedStartTlsEndsIt) {
  for (const char* offer : {"250 mx", "250-mx\r\n250 AUTH PLAIN LOGIN"}) {
    const Trial run = open({S("220 mx"), C("EHLO me"), S(offer)}, true);
    EXPECT_EQ(run.played.error.code, Errc::starttls_missing);
  }
  const Script refused = {S("220 mx"), C("EHLO me"), S("250-mx\r\n250-STARTTLS\r\n250 AUTH PLAIN"),
                          C("STARTTLS"), S("454 no TLS now")};
  EXPECT_EQ(open(refused, true).played.error.code, Errc::starttls_missing);
}

TEST(SmtpOpening, BytesAheadOfTheHandshakeEndIt) {
  for (const char* injected : {"220 go\r\n250 injected\r\n", "220 go\r\nx", "220 go\r\n\r\n"}) {
    Script s(kStartTls.begin(), kStartTls.begin() + 4);
    s.push_back(Sraw(injected));
    const Trial run = open(s, true);
    EXPECT_EQ(run.played.error.code, Errc::protocol) << injected;
    EXPECT_EQ(run.played.wrote, "EHLO me\r\nSTARTTLS\r\n");
  }
  // The answer to STARTTLS that comes before the question.
  const Trial early = open({S("220 mx"), C("EHLO me"), Sraw("250-mx\r\n250 STARTTLS\r\n220 go\r\n")}, true);
  EXPECT_EQ(early.played.error.code, Errc::protocol);
}

TEST(SmtpOpening, TellsAWrongPasswordFromNotNow) {
  Script s(kStartTls.begin(), kStartTls.end() - 1);
  s.push_back(S("535 5.7.8 no"));
  const Error wrong = open(s, true).played.error;
  EXPECT_EQ(wrong.code, Errc::auth);
  EXPECT_EQ(wrong.server, "535 5.7.8 no");
  s.back() = S("454 4.7.0 too many");
  EXPECT_EQ(open(s, true).played.error.code, Errc::auth_throttled);
  s.back() = S("421 4.7.0 too many");  // instead of an answer to AUTH
  EXPECT_EQ(open(s, true).played.error.code, Errc::auth_throttled);
  EXPECT_TRUE(open(s, true).session.dead);
  s.back() = S("535 5.7.0 Too many bad auth attempts");
  EXPECT_EQ(open(s, true).played.error.code, Errc::auth_throttled);
  s.back() = S("550 5.7.30 Basic authentication is not supported for Client Submission.");
  EXPECT_EQ(open(s, true).played.error.code, Errc::auth);
  EXPECT_NE(open(s, true).played.error.cure.find("oauth2"), std::string::npos);
  s[s.size() - 3] = S("250-mx\r\n250 AUTH GSSAPI");
  s.resize(s.size() - 2);
  EXPECT_EQ(open(s, true).played.error.code, Errc::unsupported);
}

/// Under TLS, with what `who` has.
Played sign_in(const Script& rest, const auth::Credentials& who, auth::Circumstances where = {}) {
  Script s = {S("220 mx"), C("EHLO me")};
  s.insert(s.end(), rest.begin(), rest.end());
  Session session;
  session.tls = true;
  OpeningOptions o;
  o.ehlo_name = "me";
  o.credentials = &who;
  o.circumstances = [where] { return where; };
  Opening machine(session, o);
  return play(machine, s);
}
std::string encoded(std::string_view text) { return std::string(auth::base64(text).reveal()); }

TEST(SmtpOpening, ARefusedTokenIsAnsweredAsItsMechanismWants) {
  const auth::Credentials who{"tim", {}, aoh::Secret("t0ken")};
  const std::string json = R"({"status":"invalid_token","scope":"mail"})";
  const Played xoauth2 = sign_in({S("250-mx\r\n250 AUTH PLAIN XOAUTH2"),
                                  C("AUTH XOAUTH2 " + encoded("user=tim\x01"
                                                              "auth=Bearer t0ken\x01\x01")),
                                  S("334 " + encoded(json)), C(""), S("535 5.7.8 no")},
                                 who);
  EXPECT_EQ(xoauth2.error.code, Errc::auth);
  EXPECT_EQ(xoauth2.error.server, "535 5.7.8 no (status invalid_token, scope mail)");
  const Played bearer = sign_in({S("250-mx\r\n250 AUTH XOAUTH2 OAUTHBEARER"),
                                 C("AUTH OAUTHBEARER " + encoded("n,a=tim,\x01"
                                                                 "auth=Bearer t0ken\x01\x01")),
                                 S("334 " + encoded(json)), C("AQ=="), S("535 5.7.8 no")},
                                who);
  EXPECT_EQ(bearer.error.server, "535 5.7.8 no (status invalid_token, scope mail)");
  // Said yes all the same: nobody knows whom to believe.
  EXPECT_EQ(sign_in({S("250-mx\r\n250 AUTH XOAUTH2"),
                     C("AUTH XOAUTH2 " + encoded("user=tim\x01"
                                                 "auth=Bearer t0ken\x01\x01")),
                     S("334 " + encoded(json)), C(""), S("235 2.7.0 ok")},
                    who)
                .error.code,
            Errc::protocol);
}

// RFC 4954 §4: a command line has 512 bytes; tokens are longer.
TEST(SmtpOpening, ALongFirstResponseWaitsUntilItIsAskedFor) {
  const std::string token(2'000, 't');
  const auth::Credentials who{"tim", {}, aoh::Secret(token)};
  const Played p = sign_in({S("250-mx\r\n250 AUTH XOAUTH2"), C("AUTH XOAUTH2"), S("334 "),
                            C(encoded("user=tim\x01"
                                      "auth=Bearer " +
                                      token + "\x01\x01")),
                            S("235 2.7.0 ok")},
                           who);
  EXPECT_EQ(p.end, Action::Kind::done) << p.error.line();
}

TEST(SmtpOpening, AMechanismThatIsNotKnownGivesWayAndAPasswordIsJudgedOnce) {
  const auth::Credentials who{"user", aoh::Secret("pencil")};
  const auth::Circumstances where{"rOprNGfwEbeRWgbNEkqO", {}, {}};
  const std::string first = encoded("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
  const Line offer = S("250-mx\r\n250 AUTH LOGIN PLAIN SCRAM-SHA-256");
  const std::string plain = encoded(std::string("\0user\0pencil", 12));
  for (const char* no :
       {"504 5.5.4 Unrecognized authentication type", "535 5.7.8 Unsupported authentication mechanism"}) {
    const Played p = sign_in(
        {offer, C("AUTH SCRAM-SHA-256 " + first), S(no), C("AUTH PLAIN " + plain), S("235 ok")}, who, where);
    EXPECT_EQ(p.end, Action::Kind::done) << p.error.line();
  }
  for (const char* no : {"535 5.7.8 no", "500 what", "454 4.7.0 later"}) {
    const Played p = sign_in({offer, C("AUTH SCRAM-SHA-256 " + first), S(no)}, who, where);
    EXPECT_EQ(p.end, Action::Kind::failed);
  }
  const Played wrong =
      sign_in({S("250-mx\r\n250 AUTH LOGIN PLAIN"), C("AUTH PLAIN " + plain), S("535 no")}, who, where);
  EXPECT_EQ(wrong.error.code, Errc::auth);
}

TEST(SmtpOpening, AServerThatHasNotProvenItselfIsNotBelieved) {
  const auth::Credentials who{"user", aoh::Secret("pencil")};
  const auth::Circumstances where{"rOprNGfwEbeRWgbNEkqO", {}, {}};
  const Script whole = {
      S("250-mx\r\n250 AUTH SCRAM-SHA-256"),
      C("AUTH SCRAM-SHA-256 " + encoded("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")),
      S("334 " +
        encoded("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")),
      C(encoded("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")),
      S("334 " + encoded("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")),
      C(""),
      S("235 ok")};
  EXPECT_EQ(sign_in(whole, who, where).end, Action::Kind::done);
  Script early(whole.begin(), whole.begin() + 4);
  early.push_back(S("235 ok"));
  EXPECT_EQ(sign_in(early, who, where).error.code, Errc::protocol);
  Script at_once(whole.begin(), whole.begin() + 2);
  at_once.push_back(S("235 ok"));
  EXPECT_EQ(sign_in(at_once, who, where).error.code, Errc::protocol);
}

}  // namespace
}  // namespace mailroom::smtp
