// Lines and literals in any pieces, and the limits on both.
#include "imap/proto/framer.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace mailroom::imap {
namespace {

std::vector<std::string> frames(std::string_view bytes, std::size_t piece, const Limits& limits = {}) {
  Framer framer(limits);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < bytes.size(); i += piece) {
    framer.feed(bytes.substr(i, piece));
    while (auto f = framer.take()) {
      std::string s = f->line;
      for (char& c : s)
        if (c == 0) c = '#';
      for (const auto& l : f->literals)
        s += "|" + (l.skipped ? "skipped " + std::to_string(l.announced) : l.bytes);
      out.push_back(s);
    }
  }
  if (framer.has_rest()) out.push_back("rest");
  return out;
}

TEST(Framer, IsTheSameHoweverItIsCut) {
  const std::string bytes =
      "* OK hello {5}\r\n* 1 FETCH (BODY[] {7}\r\na\r\n{3}b FLAGS ())\r\n* 2 FETCH (X {0}\r\n Y "
      "~{2}\r\n\r\n)\r\n"
      "a1 OK done {9}\r\n+ {4}\r\n* LIST () \"/\" {3+}\r\nabc\r\n* bare lf\n* NO {2}\r\n";
  const std::vector<std::string> wanted = {"* OK hello {5}",
                                           "* 1 FETCH (BODY[] # FLAGS ())|a\r\n{3}b",
                                           "* 2 FETCH (X # Y #)||\r\n",
                                           "a1 OK done {9}",
                                           "+ {4}",
                                           "* LIST () \"/\" #|abc",
                                           "* bare lf",
                                           "* NO {2}"};
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece)
    EXPECT_EQ(frames(bytes, piece), wanted) << piece;
}

TEST(Framer, ANulInALineIsNotALiteral) {
  EXPECT_EQ(frames(std::string_view("* A\0B\r\n", 7), 7), std::vector<std::string>{"* A?B"});
}

TEST(Framer, KeepsToItsLimits) {
  Limits small;
  small.line = 20;
  small.literal = 4;
  small.skip = 100;
  small.response = 6;
  small.literals = 3;
  EXPECT_EQ(frames("* X {5}\r\n12345\r\n* Y\r\n", 1, small),
            (std::vector<std::string>{"* X #|skipped 5", "* Y"}));
  EXPECT_EQ(frames("* X {4}\r\n1234{4}\r\n1234\r\n", 3, small),
            std::vector<std::string>{"* X ##|1234|skipped 4"});
  const auto refused = [&](const std::string& bytes) {
    try {
      frames(bytes, 1, small);
    } catch (const Failure& f) {
      return f.error.code == Errc::limit;
    }
    return false;
  };
  EXPECT_TRUE(refused("* X {101}\r\n"));
  EXPECT_TRUE(refused("* X {99999999999999999999999999999}\r\n"));
  EXPECT_TRUE(refused("* " + std::string(30, 'x')));
  EXPECT_TRUE(refused("* {1}\r\n1{1}\r\n1{1}\r\n1{1}\r\n1\r\n"));
  EXPECT_EQ(frames("* X {-1}\r\n* Y {1.5}\r\n* Z {}\r\n* Z {+}\r\n", 1, small).size(), 4u);  // no literals
}

TEST(Framer, AnAnnouncementAloneTakesNoMemory) {
  Framer framer;
  framer.feed("* 1 FETCH (BODY[] {60000000}\r\nab");
  EXPECT_FALSE(framer.take());
  EXPECT_TRUE(framer.has_rest());
  framer.trim();
  EXPECT_TRUE(framer.has_rest());
}

struct Into : LiteralSink {
  std::string got;
  std::size_t pieces = 0;
  bool begin(std::string_view line, std::uint64_t size) override {
    if (size < 5) return false;
    got += std::string(line) + "<" + std::to_string(size) + ">";
    return true;
  }
  void bytes(std::string_view piece) override {
    EXPECT_FALSE(piece.empty());
    got += piece;
    ++pieces;
  }
};

TEST(Framer, ALargeLiteralFlowsToTheSinkHoweverItIsCut) {
  const std::string bytes =
      "* 1 FETCH (A {3}\r\nabc B {12}\r\n{9}\r\n{8}\r\nxx C {5}\r\n12345)\r\n* 2 FETCH (D {6}\r\nabcdef)\r\n";
  Limits limits;
  limits.literal = 4;  // what flows is under no limit of what is kept
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    Framer framer(limits);
    Into sink;
    framer.stream_to(&sink);
    std::vector<std::string> lines;
    for (std::size_t i = 0; i < bytes.size(); i += piece) {
      framer.feed(std::string_view(bytes).substr(i, piece));
      while (auto f = framer.take()) {
        lines.push_back(std::to_string(f->literals.size()));
        for (const auto& l : f->literals)
          lines.back() += "|" + (l.streamed ? "flowed " + std::to_string(l.announced) : l.bytes);
      }
    }
    std::string got = sink.got;
    std::replace(got.begin(), got.end(), '\0', '#');
    EXPECT_EQ(got, "* 1 FETCH (A # B <12>{9}\r\n{8}\r\nxx* 1 FETCH (A # B # C <5>12345* 2 FETCH (D <6>abcdef")
        << piece;
    EXPECT_EQ(lines, (std::vector<std::string>{"3|abc|flowed 12|flowed 5", "1|flowed 6"})) << piece;
    EXPECT_FALSE(framer.has_rest());
  }
}

TEST(Framer, GivesOutWhatBelongsToAnotherEncoding) {
  Framer framer;
  framer.feed("a1 OK go\r\n\x78\x9c\n");
  EXPECT_TRUE(framer.take());
  EXPECT_EQ(framer.take_rest(), "\x78\x9c\n");
  EXPECT_FALSE(framer.has_rest());
}

}  // namespace
}  // namespace mailroom::imap
