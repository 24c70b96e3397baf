#include "support/json.hpp"

#include <gtest/gtest.h>

#include "support/secret.hpp"

namespace {
using aoh::Json;

TEST(Json, RoundTripsEveryType) {
  const std::string text =
      R"({"a":[1,-2,3.5,true,false,null],"b":{"c":"é\n\u0000x"},"big":9223372036854775807})";
  EXPECT_EQ(Json::parse(text).dump(), text);
}

TEST(Json, RefusesWhatIsNotStrictJson) {
  for (const char* bad : {"", "{", "[1,]", "{\"a\":1,\"a\":2}", "\"\xff\"", "nul", "1 2", "{\"a\":1}x", "'a'",
                          "[1,/**/2]", "NaN", "\"\\ud800\""})
    EXPECT_THROW(Json::parse(bad), aoh::JsonError) << bad;
  EXPECT_THROW(Json::parse(std::string_view("{}\0{}", 5)),
               aoh::JsonError);  // what stands behind a NUL counts
}

TEST(Json, NamesTheDuplicateKeyAndThePlace) {
  try {
    Json::parse(R"({"x":{"to":1,"to":2}})");
    FAIL() << "accepted";
  } catch (const aoh::JsonError& e) {
    EXPECT_NE(std::string(e.what()).find("\"to\" stands twice"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("byte"), std::string::npos);
  }
}

TEST(Json, EnforcesItsLimits) {
  EXPECT_THROW(Json::parse(std::string(65, '[') + std::string(65, ']')), aoh::JsonError);
  EXPECT_NO_THROW(Json::parse(std::string(64, '[') + std::string(64, ']')));
  EXPECT_THROW(Json::parse(std::string(100'000, '[')), aoh::JsonError);
  aoh::JsonLimits few;
  few.max_values = 3;
  EXPECT_THROW(Json::parse("[1,2,3,4]", few), aoh::JsonError);
  few.max_bytes = 2;
  EXPECT_THROW(Json::parse("[1]", few), aoh::JsonError);
}

TEST(Json, EveryTruncationIsRefused) {
  const std::string text = R"({"a":[1,{"b":"c\u00e9"}],"d":-1.5e3})";
  for (std::size_t n = 0; n < text.size(); ++n)
    EXPECT_THROW(Json::parse(text.substr(0, n)), aoh::JsonError) << n;
}

TEST(Json, ReadingNeverThrows) {
  const Json v = Json::parse(R"({"a":[{"b":1}],"s":"x"})");
  EXPECT_EQ(v.path("a.0.b").integer(), 1);
  EXPECT_TRUE(v.path("a.7.b").is_null());
  EXPECT_TRUE(v.path("a.x").is_null());
  EXPECT_TRUE(v["s"]["deeper"].is_null());
  EXPECT_EQ(v["missing"].str(), "");
  EXPECT_EQ(Json(1e300).integer(-1), -1);
}

TEST(Json, OutputIsAlwaysValidUtf8) {
  EXPECT_EQ(Json("a\xff\xed\xa0\x80z").dump(), "\"a\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz\"");
  EXPECT_EQ(aoh::utf8_prefix("a\xC3\xA9", 2), "a");
}

TEST(Secret, DoesNotShowItself) {
  aoh::Secret s(std::string("hunter2"));
  std::ostringstream os;
  os << s;
  EXPECT_EQ(os.str(), "[secret]");
  aoh::Secret moved = std::move(s);
  EXPECT_EQ(moved.reveal(), "hunter2");
  EXPECT_TRUE(s.empty());  // NOLINT(bugprone-use-after-move): the class promises it
}
}  // namespace
