#include "watch/cursor.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"
#include "support/json.hpp"

namespace mailroom::watch {
namespace {

std::string digest(int n) {
  std::string d(32, static_cast<char>(n % 251));
  for (int i = 0; i < 4; ++i) d[static_cast<std::size_t>(i)] = static_cast<char>(n >> (8 * i));
  return d;
}

TEST(Known, CountsEqualMessages) {
  Known k;
  k.add(digest(1), 100);
  k.add(digest(1), 100);
  EXPECT_TRUE(k.take(digest(1)));
  EXPECT_TRUE(k.take(digest(1)));
  EXPECT_FALSE(k.take(digest(1)));
}

TEST(Known, TellsUnderWhichUids) {
  Known k;
  k.add(digest(1), 100, 7);
  k.add(digest(1), 100, 9);
  k.add(digest(1), 100);
  k.add(digest(2), 100, 8);
  EXPECT_EQ(k.uids_of(digest(1)), (std::vector<std::uint32_t>{7, 9}));
  EXPECT_FALSE(k.take(digest(1), 8));
  EXPECT_TRUE(k.take(digest(1), 7));
  EXPECT_EQ(k.uids_of(digest(1)), std::vector<std::uint32_t>{9});
  EXPECT_EQ(k.size(), 3u);
}

TEST(Known, ForgetsTheOldestAndSaysHowFarItKnows) {
  Known k;
  for (int i = 0; i < 600; ++i) k.add(digest(i), 1000 + i);
  EXPECT_EQ(k.size(), Known::kMost);
  EXPECT_EQ(k.horizon(), 1000 + 600 - static_cast<int>(Known::kMost) - 1);
  EXPECT_FALSE(k.take(digest(3)));
  EXPECT_TRUE(k.take(digest(599)));
}

TEST(Known, WholeSecondsGoTogether) {
  Known k;
  for (int i = 0; i < 10; ++i) k.add(digest(i), 1000);
  for (int i = 10; i < 513; ++i) k.add(digest(i), 2000);
  EXPECT_EQ(k.size(), 503u);  // the ten of second 1000 are gone
  EXPECT_EQ(k.horizon(), 1000);
}

Cursor sample() {
  Cursor c;
  c.uid_validity = 7;
  c.last_uid = 42;
  c.start_uid = 40;
  c.start_s = 1'700'000'000;
  c.filled = true;
  for (int i = 0; i < 3; ++i) c.known.add(digest(i), 1'700'000'100 + i);
  return c;
}

TEST(Cursor, RoundTrip) {
  Cursor c = sample();
  c.before = c.known;
  const auto back = Cursor::from(c.text());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->text(), c.text());
  EXPECT_EQ(back->last_uid, 42u);
  ASSERT_TRUE(back->before);
  EXPECT_EQ(back->before->size(), 3u);
}

TEST(Cursor, FitsIntoWhatTheHostKeeps) {
  Cursor c = sample();
  for (int i = 0; i < 2000; ++i) c.known.add(digest(i), 1'700'000'000 + i);
  Cursor twice = renumbered(c, 8);
  for (int i = 0; i < 2000; ++i) twice.known.add(digest(i), 1'700'000'000 + i);
  EXPECT_LT(twice.text().size(), 64u << 10);
  EXPECT_LT(renumbered(twice, 9).text().size(), 64u << 10);
}

TEST(Cursor, KeepsUidsAndModseqAndReadsACursorWithout) {
  Cursor c = sample();
  c.modseq = UINT64_MAX / 2;
  c.known.add(digest(9), 1'700'000'200, 41);
  const auto back = Cursor::from(c.text());
  EXPECT_EQ(back->modseq, UINT64_MAX / 2);
  EXPECT_EQ(back->known.uids_of(digest(9)), std::vector<std::uint32_t>{41});
  EXPECT_TRUE(back->known.uids_of(digest(1)).empty());
  aoh::Json older = aoh::Json::parse(sample().text());
  aoh::Json known = older["known"];
  older.set("known", aoh::Json{{"horizon", known["horizon"]}, {"digests", known["digests"]}});
  EXPECT_EQ(Cursor::from(older.dump())->text(), sample().text());
  EXPECT_EQ(renumbered(c, 8).modseq, 0u) << "of another numbering";
}

TEST(Cursor, EmptyIsFirstAndDamageIsSaid) {
  EXPECT_FALSE(Cursor::from(""));
  for (const char* bad : {"{", "{}", R"({"v":2})", R"({"v":1,"known":{"digests":"zz"}})", "[]",
                          R"({"v":1,"known":{"digests":"","uids":"00000001"}})"})
    EXPECT_THROW(Cursor::from(bad), Failure) << bad;
}

TEST(Cursor, HowToBegin) {
  EXPECT_EQ(begin_with(std::nullopt, 7), Begin::first);
  EXPECT_EQ(begin_with(sample(), 7), Begin::go_on);
  EXPECT_EQ(begin_with(sample(), 8), Begin::resync);
}

TEST(Cursor, OldMailIsRecognisedUnderANewNumbering) {
  const Cursor old = sample();
  Cursor c = renumbered(old, 8);
  EXPECT_EQ(c.last_uid, 0u);
  EXPECT_TRUE(dealt_with_before(c, digest(1), 1'700'000'101));
  EXPECT_FALSE(dealt_with_before(c, digest(1), 1'700'000'101)) << "each occurrence counts once";
  EXPECT_FALSE(dealt_with_before(c, digest(99), 1'700'000'101)) << "came while we were away";
  // In the middle of it the numbering changes again: what was compared so far is known, the rest still is.
  c.known.add(digest(1), 1'700'000'101);
  Cursor again = renumbered(c, 9);
  EXPECT_TRUE(dealt_with_before(again, digest(1), 1'700'000'101));
  EXPECT_TRUE(dealt_with_before(again, digest(2), 1'700'000'102));
  EXPECT_FALSE(dealt_with_before(again, digest(99), 1'700'000'200));
}

TEST(Cursor, BeyondMemoryTheDateDecides) {
  Cursor c = sample();
  for (int i = 0; i < 600; ++i) c.known.add(digest(1000 + i), 1'700'001'000 + i);
  Cursor n = renumbered(c, 8);
  EXPECT_TRUE(dealt_with_before(n, digest(5000), 1'700'000'500)) << "older than all that is remembered";
  EXPECT_FALSE(dealt_with_before(n, digest(5000), 1'700'002'000));
}

TEST(Cursor, WithoutDigestsOfTheStartItsTimeDecides) {
  Cursor c;
  c.uid_validity = 7;
  c.start_s = 5000;
  Cursor n = renumbered(c, 8);
  EXPECT_TRUE(dealt_with_before(n, digest(1), 4999));
  EXPECT_FALSE(dealt_with_before(n, digest(1), 5001));
}

}  // namespace
}  // namespace mailroom::watch
