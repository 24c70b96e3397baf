#include "watch/source.hpp"

#include <gtest/gtest.h>

#include "base/error.hpp"

namespace mailroom::watch {
namespace {

TEST(StartFrom, Words) {
  EXPECT_EQ(StartFrom::parse("").kind, StartFrom::Kind::now);
  EXPECT_EQ(StartFrom::parse("now").kind, StartFrom::Kind::now);
  EXPECT_EQ(StartFrom::parse("unseen").kind, StartFrom::Kind::unseen);
  EXPECT_EQ(StartFrom::parse("all").kind, StartFrom::Kind::all);
}

TEST(StartFrom, Dates) {
  EXPECT_EQ(StartFrom::parse("2026-11-23").date_s, 1'795'392'000);
  EXPECT_EQ(StartFrom::parse("2026-11-23T08:00:00Z").date_s, 1'795'392'000 + 8 * 3600);
  EXPECT_EQ(StartFrom::parse("2026-11-23t08:00:00z").date_s, 1'795'392'000 + 8 * 3600);
  EXPECT_EQ(StartFrom::parse("2026-11-23T08:00:00.25+02:00").date_s, 1'795'392'000 + 6 * 3600);
  EXPECT_EQ(StartFrom::parse("2026-11-23 08:00").date_s, 1'795'392'000 + 8 * 3600);
  EXPECT_EQ(StartFrom::parse("1970-01-01").date_s, 0);
  for (const char* bad : {"yesterday", "2026-13-01", "2026-11-32", "2026/11/23", "2026-11-23T25:00",
                          "2026-11-23T08:00:00+2", "2026-11", "20261123", "2026-11-23T"})
    EXPECT_THROW(StartFrom::parse(bad), Failure) << bad;
}

TEST(StartFrom, Admits) {
  EXPECT_FALSE(StartFrom::parse("now").admits(false, 5));
  EXPECT_TRUE(StartFrom::parse("unseen").admits(false, 5));
  EXPECT_FALSE(StartFrom::parse("unseen").admits(true, 5));
  EXPECT_TRUE(StartFrom::parse("all").admits(true, 5));
  EXPECT_TRUE(StartFrom::parse("1970-01-02").admits(true, 86'400));
  EXPECT_FALSE(StartFrom::parse("1970-01-02").admits(true, 86'399));
}

TEST(Source, ReadsWhatTheHostGives) {
  const Source s = Source::from(aoh::Json::parse(
      R"({"source":"email","trigger_id":"t1","key":{"credential_id":"quotes","mailbox":"Sales"},"rules":[],
          "blueprints":[{"id":"a","match":{"from_regex":"x"},"start_from":"all"},{"id":"b","match":{}}]})"));
  EXPECT_EQ(s.trigger_id, "t1");
  EXPECT_EQ(s.mailbox, "Sales");
  ASSERT_EQ(s.blueprints.size(), 2u);
  EXPECT_EQ(s.blueprints[0].start.kind, StartFrom::Kind::all);
  EXPECT_EQ(s.blueprints[1].start.kind, StartFrom::Kind::now);
}

TEST(Source, SaysWhatIsWrong) {
  EXPECT_THROW(Source::from(aoh::Json::object()), Failure);
  try {
    Source::from(aoh::Json::parse(
        R"({"key":{"credential_id":"q"},"blueprints":[{"id":"bp7","match":{"subject_regex":"("}}]})"));
    FAIL() << "accepted";
  } catch (const Failure& f) {
    EXPECT_EQ(f.error.where, "blueprint bp7: match.subject_regex");
  }
}

}  // namespace
}  // namespace mailroom::watch
