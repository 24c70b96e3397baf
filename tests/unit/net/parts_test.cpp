// Backoff, endpoints, the transcript.
#include <gtest/gtest.h>

#include "net/backoff.hpp"
#include "net/endpoint.hpp"
#include "net/pin.hpp"
#include "net/transcript.hpp"

namespace mailroom::net {
namespace {

TEST(Backoff, DoublesWithJitterUpToItsMost) {
  Backoff b{std::chrono::seconds(1), std::chrono::seconds(60)};
  for (unsigned attempt = 0; attempt < 200; ++attempt) {
    const auto whole = std::chrono::milliseconds(attempt < 6 ? 1000 << attempt : 60'000);
    EXPECT_EQ(b.delay(attempt, 0), whole);
    for (const std::uint64_t random : {1ull, 12345678901234ull, ~0ull}) {
      EXPECT_GE(b.delay(attempt, random), whole / 2);
      EXPECT_LE(b.delay(attempt, random), whole);
    }
  }
}

TEST(Endpoint, WithoutTlsOnLoopbackOnly) {
  const auto code = [](Endpoint e) {
    try {
      check(e);
    } catch (const Failure& f) {
      return f.error.code;
    }
    return Errc::ok;
  };
  Endpoint e;
  e.host = "mail.example";
  e.port = 993;
  EXPECT_EQ(code(e), Errc::ok);
  e.tls = TlsMode::none;
  EXPECT_EQ(code(e), Errc::config);
  e.tls = TlsMode::starttls;
  e.require_tls = false;
  EXPECT_EQ(code(e), Errc::config);
  for (const char* host : {"localhost", "LOCALHOST.", "127.0.0.1", "127.9.9.9", "::1"}) {
    e.host = host;
    EXPECT_EQ(code(e), Errc::ok) << host;
  }
  // Where the connection goes counts as well as its name.
  e.host = "localhost";
  e.connect_address = "192.0.2.1";
  EXPECT_EQ(code(e), Errc::config);
  e.connect_address = "127.0.0.1";
  EXPECT_EQ(code(e), Errc::ok);
  e.host = "mail.example";
  EXPECT_EQ(code(e), Errc::config);
  e.connect_address.clear();
  for (const char* host : {"localhost.evil.example", "128.0.0.1", "127.0.0.1.evil.example", "::2", "", "a b",
                           "https://x", "a@b", "a\r\nb"}) {
    e.host = host;
    EXPECT_EQ(code(e), Errc::config) << host;
  }
  e = {.host = "mail.example", .port = 0};
  EXPECT_EQ(code(e), Errc::config);
  EXPECT_EQ((Endpoint{.host = "::1", .port = 7}.where()), "[::1]:7");
  for (const TlsMode mode : {TlsMode::implicit, TlsMode::starttls, TlsMode::none}) {
    TlsMode back{};
    EXPECT_TRUE(parse_tls_mode(name(mode), back));
    EXPECT_EQ(back, mode);
  }
}

TEST(Endpoint, NamesInTheFormOfTheWire) {
  const auto form = [](const std::string& host) -> std::string {
    try {
      return Endpoint{.host = host}.dns_name();
    } catch (const Failure& f) {
      EXPECT_EQ(f.error.code, Errc::config);
      return "refused";
    }
  };
  EXPECT_EQ(form("IMAP.Example.org."), "imap.example.org");
  EXPECT_EQ(form("postfach.bücher.example"), "postfach.xn--bcher-kva.example");
  EXPECT_EQ(form("faß.example"), "xn--fa-hia.example");
  EXPECT_EQ(form("メール。example"), "xn--4dkua4c.example");
  EXPECT_EQ(form("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(form("2001:DB8::1"), "2001:db8::1");
  EXPECT_EQ(form("my_host"), "my_host");
  // A leading dot would make OpenSSL take any name below it.
  for (const std::string& bad :
       {std::string(".example.org"), std::string("a..b"), std::string("."), std::string("*.example.org"),
        std::string("a:b"), std::string(64, 'a') + ".b", std::string("a\0b", 3), std::string("\xff.example"),
        std::string("b\xc3\xbc /x"), std::string("[::1]"), std::string("imap.x:993")})
    EXPECT_EQ(form(bad), "refused") << bad;
}

TEST(Endpoint, PinsAreWhatTheyMustBe) {
  const std::string good = "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
  EXPECT_TRUE(is_pin(good));
  for (const std::string& bad :
       {std::string(), std::string("sha256/"), good.substr(7), "sha1/" + good.substr(7), good + "=",
        good.substr(0, good.size() - 1), good.substr(0, good.size() - 2) + "==",
        good.substr(0, good.size() - 2) + "9=", good.substr(0, 20) + " " + good.substr(21)})
    EXPECT_FALSE(is_pin(bad)) << bad;
}

TEST(Transcript, ShowsLinesAndOnlySizesOfLiterals) {
  const std::string bytes = "* OK hi\r\n* 1 FETCH (BODY[] {11}\r\nsecret\r\nabc FLAGS ())\r\n* " +
                            std::string(600, 'x') + "{3}\r\nabc\r\nend\x01\n";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    std::vector<std::string> lines;
    Transcript t([&](std::string_view line) { lines.emplace_back(line); });
    for (std::size_t i = 0; i < bytes.size(); i += piece) t.server(std::string_view(bytes).substr(i, piece));
    EXPECT_EQ(lines, (std::vector<std::string>{"S: * OK hi", "S: * 1 FETCH (BODY[] {11}", "S: [11 bytes]",
                                               "S:  FLAGS ())", "S: * " + std::string(478, 'x') + "...",
                                               "S: [3 bytes]", "S: ", "S: end?"}))
        << piece;
  }
  std::vector<std::string> lines;
  Transcript t([&](std::string_view line) { lines.emplace_back(line); });
  t.client_withheld(20);
  t.client_withheld(5000);
  EXPECT_EQ(lines, (std::vector<std::string>{"C: [withheld]", "C: [5000 bytes withheld]"}));
}

TEST(Transcript, ShowsOfTheAnswerToCredentialsTheVerdictAlone) {
  std::string server =
      "a1 NO hunter2-word\r\n535-5.7.8 hunter2\r\n* BAD hunter2\r\n+ hunter2\r\nhunter2 OK in\r\nahunter2 OK "
      "x\r\n"
      "* hunter2\r\nhunter2\r\na12 OK [CAPABILITY hunter2] x\r\n* OK {7}\r\nhunter2 ok\r\na hunter2 and half "
      "a";
  for (std::size_t piece = 1; piece <= server.size(); ++piece) {
    std::vector<std::string> lines;
    Transcript t([&](std::string_view line) { lines.emplace_back(line); });
    t.client("a1 STATUS\r\n");
    t.server("a1 NO hunter1\r\n");
    t.client_withheld(20);
    for (std::size_t i = 0; i < server.size(); i += piece)
      t.server(std::string_view(server).substr(i, piece));
    t.client("a2 NOOP\r\n");
    t.server(" line hunter2\r\na2 OK fine\r\n");
    EXPECT_EQ(lines, (std::vector<std::string>{
                         "C: a1 STATUS", "S: a1 NO hunter1", "C: [withheld]", "S: a1 NO [withheld]",
                         "S: 535 [withheld]", "S: * BAD [withheld]", "S: + [withheld]", "S: [withheld]",
                         "S: [withheld]", "S: [withheld]", "S: [withheld]", "S: a12 OK [withheld]",
                         "S: * OK [withheld]", "S: [7 bytes]", "S: [withheld]", "C: a2 NOOP", "S: [withheld]",
                         "S: a2 OK fine"}))
        << piece;
  }
}

}  // namespace
}  // namespace mailroom::net
