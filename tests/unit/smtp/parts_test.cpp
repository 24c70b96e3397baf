// Replies, dot-stuffing, envelopes, capabilities.
#include <gtest/gtest.h>

#include "smtp/proto/body.hpp"
#include "smtp/proto/command.hpp"
#include "smtp/proto/reply_reader.hpp"

namespace mailroom::smtp {
namespace {

Errc code_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Failure& e) {
    return e.error.code;
  }
  return Errc::ok;
}

TEST(ReplyReader, ReadsLinesInAnyPieces) {
  const std::string bytes =
      "250-mx.example\r\n250-SIZE 1000\r\n250 HELP\r\n550 5.1.1 no such user\r\n220\r\n421 bare lf\n";
  for (std::size_t cut = 1; cut <= bytes.size(); ++cut) {
    ReplyReader reader;
    std::vector<std::string> seen;
    for (std::size_t i = 0; i < bytes.size(); i += cut) {
      reader.feed(std::string_view(bytes).substr(i, cut));
      while (auto r = reader.take(true))
        seen.push_back(std::to_string(r->lines.size()) + "/" + r->enhanced + "/" + r->text());
    }
    EXPECT_EQ(seen, (std::vector<std::string>{"3//250 mx.example SIZE 1000 HELP",
                                              "1/5.1.1/550 5.1.1 no such user", "1//220", "1//421 bare lf"}));
    EXPECT_FALSE(reader.has_rest());
  }
}

TEST(ReplyReader, RefusesWhatIsNoReply) {
  const auto read = [](const std::string& bytes) {
    return code_of([&] {
      ReplyReader r;
      r.feed(bytes);
      while (r.take(true)) {
      }
    });
  };
  for (const char* bad : {"hello\r\n", "\r\n", "25 x\r\n", "650 x\r\n", "100 x\r\n", "250x\r\n",
                          "250-a\r\n251 b\r\n", "HTTP/1.1 400\r\n", "\x16\x03\x01\r\n", "-50 a\r\n"})
    EXPECT_EQ(read(bad), Errc::protocol) << bad;
  EXPECT_EQ(read("250 " + std::string(5000, 'x')), Errc::limit);
  std::string many;
  for (int i = 0; i < 300; ++i) many += "250-x\r\n";
  EXPECT_EQ(read(many), Errc::limit);
  std::string large;
  for (int i = 0; i < 200; ++i) large += "250-" + std::string(1000, 'x') + "\r\n";
  EXPECT_EQ(read(large), Errc::limit);
}

TEST(ReplyReader, TellsAnEnhancedCodeFromWords) {
  const auto enhanced = [](const std::string& line) {
    ReplyReader r;
    r.feed(line + "\r\n");
    return r.take(true)->enhanced;
  };
  EXPECT_EQ(enhanced("550 5.7.1 x"), "5.7.1");
  EXPECT_EQ(enhanced("550 5.7.123"), "5.7.123");
  for (const char* none : {"550 4.7.1 x", "550 5.7 x", "550 5.7.1x", "550 5..1 x", "250 2", "550 5.1234.1 x"})
    EXPECT_EQ(enhanced(none), "") << none;
}

std::string stuffed(std::string_view message, std::size_t piece) {
  DotStuffer s;
  std::string out;
  for (std::size_t i = 0; i < message.size(); i += piece) s.feed(message.substr(i, piece), out);
  return out;
}

TEST(DotStuffing, IsTheSameAtEveryBufferEdge) {
  const std::string messages[] = {
      "", "\r\n", ".", ".\r\n", "..\r\n.\r\n", "a\r\n.\r\nb\r\n", "a\r\n..\r\n.b\r\n.", "\r\n\r\n.\r\n\r\n"};
  const std::string wanted[] = {"",
                                "\r\n",
                                "..",
                                "..\r\n",
                                "...\r\n..\r\n",
                                "a\r\n..\r\nb\r\n",
                                "a\r\n...\r\n..b\r\n..",
                                "\r\n\r\n..\r\n\r\n"};
  for (std::size_t i = 0; i < std::size(messages); ++i)
    for (std::size_t piece = 1; piece <= messages[i].size() + 1; ++piece)
      EXPECT_EQ(stuffed(messages[i], piece), wanted[i]) << i << " in pieces of " << piece;
}

TEST(CheckMessage, RefusesEverySmugglingLineEnd) {
  EXPECT_NO_THROW(check_message("a\r\n.\r\nb"));
  EXPECT_FALSE(check_message("a").eight_bit);
  EXPECT_TRUE(check_message("\xC3\xA4").eight_bit);
  const std::string_view bad[] = {"a\n",     "\n",        "a\r",      "a\rb",
                                  "a\r\r\n", "a\n.\r\n",  "a\r\n.\n", "a\r.\r\n",
                                  "a\n.\n",  "a\r\n.\rb", "\r\n\n",   std::string_view("a\0b", 3)};
  for (const std::string_view m : bad) EXPECT_EQ(code_of([&] { check_message(m); }), Errc::invalid);
}

TEST(Envelope, RefusesWhateverCouldBreakOut) {
  const auto check_one = [](std::string address, bool utf8 = false) {
    Envelope e;
    e.from = "a@b.example";
    e.to = {std::move(address)};
    e.smtputf8 = utf8;
    return code_of([&] { check(e); });
  };
  for (const char* good : {"a@b.example", "a+b.c@b-c.example", "\"a b\\\" <>\"@b.example", "a@[127.0.0.1]",
                           "a@[IPv6:::1]", "o'brien@x"})
    EXPECT_EQ(check_one(good), Errc::ok) << good;
  EXPECT_EQ(check_one("grün@b.example", true), Errc::ok);
  EXPECT_EQ(check_one("a@grün.example", true), Errc::ok);
  const std::string bad[] = {"",
                             "a",
                             "@b",
                             "a@",
                             "a b@c",
                             "a@b c",
                             "a@b>\r\nRCPT TO:<c@d",
                             "a@b\r\n",
                             "a\n@b",
                             "a\r@b",
                             std::string("a\0@b", 4),
                             "<a@b>",
                             "a@b>",
                             "a@b SIZE=1",
                             "\"a@b",
                             "\"a\r\n\"@b",
                             "\"a\"b@c",
                             "a..b@c",
                             ".a@c",
                             "a.@c",
                             "a@.c",
                             "a@c..d",
                             "a@-c",
                             "a@b,c@d",
                             "a@b;c",
                             "a(b)@c",
                             "a@b@c",
                             "\"a\\",
                             "a@[b",
                             "a@[1>2]",
                             "gr\xC3\xBCn@b",
                             std::string(260, 'a') + "@b"};
  for (const std::string& address : bad) EXPECT_EQ(check_one(address), Errc::invalid) << address;
  for (const char* address : {"a\xC2\x85@b", "a@b\xE2\x80\xA8", "a\xE2\x80\xA9@b", "a\xFF@b", "\xC0\x8A@b"})
    EXPECT_EQ(check_one(address, true), Errc::invalid) << address;
  Envelope none;
  EXPECT_EQ(code_of([&] { check(none); }), Errc::invalid);
  none.to.assign(1001, "a@b.example");
  EXPECT_EQ(code_of([&] { check(none); }), Errc::invalid);
}

TEST(Command, TheEhloNameCannotBreakOut) {
  EXPECT_EQ(ehlo("host.example"), "EHLO host.example\r\n");
  EXPECT_EQ(ehlo("[127.0.0.1]"), "EHLO [127.0.0.1]\r\n");
  for (const char* bad : {"", "a b", "a\r\nQUIT", "a\n", "ä"}) EXPECT_EQ(ehlo(bad), "EHLO localhost\r\n");
}

TEST(Command, CapabilitiesAreReadWhateverTheirForm) {
  Reply r;
  r.code = 250;
  r.lines = {"STARTTLS is my name",
             "size 35882577",
             "AUTH=LOGIN",
             "auth plain  XOAUTH2",
             "8bitmime",
             "PIPELINING",
             "",
             "SIZEX 3"};
  const Capabilities c = parse_capabilities(r);
  EXPECT_FALSE(c.starttls);
  EXPECT_TRUE(c.size && c.eight_bit && c.pipelining);
  EXPECT_EQ(c.max_size, 35882577u);
  EXPECT_EQ(c.auth, (std::vector<std::string>{"LOGIN", "PLAIN", "XOAUTH2"}));
  r.lines = {"x", "SIZE 99999999999999999999999"};
  EXPECT_EQ(parse_capabilities(r).max_size, 0u);
}

}  // namespace
}  // namespace mailroom::smtp
