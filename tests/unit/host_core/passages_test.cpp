#include "services/passages.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "support/json.hpp"

namespace aoh::host {
namespace {

using Cut = std::vector<std::pair<std::string, std::string>>;

/// Fed in pieces of n bytes.
Cut cut(std::string_view text, std::size_t n) {
  Cut out;
  PassageCutter c([&](const Passage& p) { out.emplace_back(p.place, p.text); });
  for (; !text.empty(); text.remove_prefix(std::min(n, text.size()))) c.feed(text.substr(0, n));
  c.end();
  return out;
}

TEST(Passages, MarksSayWhereTextStandsWhateverTheCuts) {
  const std::string text = "before\r\n\fpage 1\nGrüße, wörld\n\fsheet “Totals”\r\n1\t2\n\n3\fx\n\f\nend";
  const Cut wanted{
      {"", "before"}, {"page 1", "Grüße, wörld"}, {"sheet “Totals”", "1\t2\n\n3 x"}, {"", "end"}};
  for (std::size_t n = 1; n <= text.size(); ++n) EXPECT_EQ(cut(text, n), wanted) << n;
}

TEST(Passages, WhatATerminalOrAParserWouldTripOverIsLeftOut) {
  const std::string text(
      "a\x1b[31mb\0c\x7f\xc2\x9b"
      "d\xff\xc3 \xed\xa0\x80 e\xc2\xa0"
      "f",
      24);
  for (std::size_t n = 1; n <= text.size(); ++n) {
    const Cut c = cut(text, n);
    ASSERT_EQ(c.size(), 1u) << n;
    EXPECT_EQ(c[0].second, cut(text, 100)[0].second) << n;
    EXPECT_EQ(valid_utf8(c[0].second), c[0].second);
    EXPECT_EQ(c[0].second.find_first_of(std::string_view("\x1b\0\x7f", 3)), std::string::npos);
  }
  EXPECT_EQ(cut(text, 100)[0].second.substr(0, 7), "a[31mbc");
}

TEST(Passages, LongTextIsCutWhereItPausesAndNothingIsLost) {
  std::string text;
  for (int i = 0; i < 3000; ++i)
    text += "word" + std::to_string(i) + (i % 17 == 16 ? ". " : i % 101 == 100 ? "\n\n" : " ");
  std::string seen;
  const Cut c = cut(text, 4096);
  for (const auto& [place, piece] : c) {
    EXPECT_LE(piece.size(), PassageCutter::kMost);
    seen += piece + " ";
  }
  for (int i = 0; i < 3000; ++i) ASSERT_NE(seen.find("word" + std::to_string(i)), std::string::npos) << i;
  EXPECT_GT(c.size(), text.size() / PassageCutter::kMost);
  EXPECT_LT(c.size(), 3 * text.size() / PassageCutter::kMost);
}

TEST(Passages, TextWithoutAnyPauseAndEndlessMarksStayBounded) {
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += "ü";  // two bytes each
  for (std::size_t n : {1, 3, 1000, 30'000}) {
    std::string together;
    for (const auto& [place, piece] : cut(text, n)) {
      EXPECT_LE(piece.size(), PassageCutter::kMost);
      EXPECT_EQ(valid_utf8(piece), piece);
      together += piece;
    }
    EXPECT_EQ(together, text) << n;
  }
  const Cut marked = cut("\f" + text + "\nbody", 7);
  ASSERT_EQ(marked.size(), 1u);
  EXPECT_EQ(marked[0].first, text.substr(0, 200));
  EXPECT_EQ(marked[0].second, "body");
  EXPECT_TRUE(cut(" \n\t \f", 1).empty());
}

}  // namespace
}  // namespace aoh::host
