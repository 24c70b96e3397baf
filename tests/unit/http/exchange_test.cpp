// One HTTP exchange: every cut, every break, and the answers on which two readers could disagree.
#include "http/exchange.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/script.hpp"

namespace mailroom::http {
namespace {

using namespace mailroom::testing;
using ::testing::HasSubstr;

const std::string kHead = "PUT /b/k HTTP/1.1\r\nHost: s\r\n\r\n";

Played played(Exchange& e, const std::string& answer, Cut cut = {}, Errc last = Errc::closed) {
  return play(e, {Craw(kHead), Sraw(answer)}, {}, cut, last);
}

TEST(Http, AnAnswerIsReadHoweverItIsCut) {
  const std::vector<std::pair<std::string, std::string>> answers = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"x\"\r\n\r\nhello", "hello"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: 1\r\n\r\n",
       "hello"},
      {"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
      {"HTTP/1.1 204 No Content\r\n\r\n", ""}};
  for (const auto& [answer, body] : answers)
    every_cut({Craw(kHead), Sraw(answer)}, [&](Cut cut) {
      Exchange e(kHead, {}, false, false);
      EXPECT_EQ(played(e, answer, cut).end, Action::Kind::done) << answer;
      EXPECT_EQ(e.response().body, body);
      EXPECT_TRUE(e.response().keeps_open);
    });
}

TEST(Http, AHeadAnswersLengthIsNoBody) {
  Exchange e(kHead, {}, false, true);
  EXPECT_EQ(played(e, "HTTP/1.1 200 OK\r\nContent-Length: 300000000\r\n\r\n").end, Action::Kind::done);
  EXPECT_EQ(e.response().field("content-length"), "300000000");
}

TEST(Http, WhatTwoReadersCouldReadDifferentlyIsRefused) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  for (const std::string& bad :
       {std::string("220 mail.example.org ESMTP\r\n"), std::string("HTTP/2 200 OK\r\n\r\n"),
        std::string("HTTP/1.1 20 OK\r\n\r\n"), std::string("HTTP/1.1 2000 OK\r\n\r\n"),
        std::string("HTTP/1.1 101 Switching\r\n\r\n"),
        ok + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        ok + "Content-Length: -1\r\n\r\n", ok + "Content-Length: 0x5\r\n\r\nhello",
        ok + "Transfer-Encoding: gzip, chunked\r\n\r\n", ok + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n", ok + "Content-Length : 5\r\n\r\nhello",
        ok + "A: b\n\r\n\r\n", ok + " folded: x\r\n\r\n", ok + ": x\r\n\r\n",
        ok + std::string("A: b\0c\r\n\r\n", 10)}) {
    Exchange e(kHead, {}, false, false);
    const Played p = played(e, bad);
    EXPECT_EQ(p.end, Action::Kind::failed) << bad;
    EXPECT_EQ(p.error.code, Errc::protocol) << bad << p.error.line();
  }
}

TEST(Http, LimitsEndWhatWouldNotEnd) {
  HttpLimits small;
  small.head = 200;
  small.fields = 3;
  small.body = 10;
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  for (const std::string& bad :
       {ok + "A: " + std::string(300, 'x'), ok + "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n",
        ok + "Content-Length: 11\r\n\r\n", ok + "Content-Length: 999999999999999\r\n\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\nffffff\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: " + std::string(150, 'x') +
            "\r\nB: " + std::string(150, 'x') + "\r\n"}) {
    Exchange e(kHead, {}, false, false, {}, small);
    const Played p = played(e, bad);
    EXPECT_EQ(p.error.code, Errc::limit) << bad << p.error.line();
  }
  Exchange e(kHead, {}, false, false);
  std::string interim;
  for (int i = 0; i < 20; ++i) interim += "HTTP/1.1 102 Processing\r\n\r\n";
  EXPECT_EQ(played(e, interim).error.code, Errc::protocol);
}

TEST(Http, ABodyWaitsForTheServersWord) {
  const std::string body(600 << 10, 'b');
  Exchange e(kHead, body, true, false);
  const Played p = play(e, {Craw(kHead), Sraw("HTTP/1.1 100 Continue\r\n\r\n"), Craw(body),
                            Sraw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")});
  EXPECT_EQ(p.end, Action::Kind::done);
  EXPECT_EQ(p.secrets, 4u);  // the head and three slices: nothing of it goes into a trace
}

TEST(Http, ARefusalBeforeTheBodySavesIt) {
  const std::string body(600 << 10, 'b');
  Exchange e(kHead, body, true, false);
  const Played p = play(e, {Craw(kHead), Sraw("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")});
  EXPECT_EQ(p.end, Action::Kind::done);
  EXPECT_EQ(e.response().status, 403);
  EXPECT_EQ(p.wrote, kHead);
  EXPECT_FALSE(e.response().keeps_open);  // the server may still wait for the body
}

TEST(Http, AServerThatKnowsNoContinueGetsTheBodyAllTheSame) {
  Exchange e(kHead, "body", true, false);
  EXPECT_EQ(e.next().kind, Action::Kind::write);
  e.written();
  EXPECT_TRUE(e.awaits_proceed());
  e.proceed();
  EXPECT_EQ(e.next().bytes, "body");
  e.written();
  e.feed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(e.next().kind, Action::Kind::done);
}

TEST(Http, ACutAnywhereIsAFailureAndNeverHalfAnAnswer) {
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
  for (std::size_t n = 0; n < answer.size(); ++n) {
    Exchange e(kHead, {}, false, false);
    const Played p = played(e, answer.substr(0, n));
    EXPECT_EQ(p.end, Action::Kind::failed) << n;
    EXPECT_EQ(p.error.code, Errc::closed) << n;
  }
}

TEST(Http, BytesBehindTheAnswerEndTheConnection) {
  Exchange e(kHead, {}, false, false);
  EXPECT_EQ(played(e, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n").end,
            Action::Kind::done);
  EXPECT_FALSE(e.response().keeps_open);
}

}  // namespace
}  // namespace mailroom::http
