// Backoff, endpoints, the transcript.
#include <gtest/gtest.h>

#include "net/backoff.hpp"
#include "net/endpoint.hpp"
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

}  // namespace
}  // namespace mailroom::net
