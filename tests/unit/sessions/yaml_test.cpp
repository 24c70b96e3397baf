// The YAML reader: values, places, limits, suggestions.
#include "sessions/yaml.hpp"

#include <gmock/gmock.h>

namespace aoh::host {
namespace {

using testing::HasSubstr;

std::string error_of(std::string_view text) {
  try {
    parse_yaml(text, "f.yaml");
  } catch (const DocumentError& e) {
    return e.what();
  }
  return "no error";
}

TEST(Yaml, ScalarsFollowTheCoreSchema) {
  const auto root = parse_yaml(
      "a: 1\nb: -2.5\nc: true\nd: ~\ne: \"1\"\nf: 30s\ng: 0x10\nh: 1e400\ni: '@x'\nj:\nk: .inf\nl: +7", "f");
  const Json v = root.json();
  EXPECT_EQ(v["a"], Json(1));
  EXPECT_EQ(v["b"], Json(-2.5));
  EXPECT_EQ(v["c"], Json(true));
  EXPECT_TRUE(v.has("d") && v["d"].is_null());
  EXPECT_EQ(v["e"], Json("1"));
  EXPECT_EQ(v["f"], Json("30s"));
  EXPECT_EQ(v["g"], Json("0x10"));
  EXPECT_EQ(v["h"], Json("1e400"));
  EXPECT_EQ(v["i"], Json("@x"));
  EXPECT_TRUE(v["j"].is_null());
  EXPECT_EQ(v["k"], Json(".inf"));
  EXPECT_EQ(v["l"], Json(7));
}

TEST(Yaml, ReadsJson) {
  const auto root = parse_yaml(R"({"trigger": {"source": "email", "n": [1, "two", null, false]}})", "f");
  EXPECT_EQ(root.json(), Json::parse(R"({"trigger": {"source": "email", "n": [1, "two", null, false]}})"));
}

TEST(Yaml, PlacesCountFromOne) {
  const auto root = parse_yaml("a:\n  b: 1\n  cc: {d: 2}\n", "f");
  const auto& cc = *root.find("a")->find("cc");
  EXPECT_EQ(root.find("a")->members[1].at.line, 3);
  EXPECT_EQ(root.find("a")->members[1].at.column, 3);
  EXPECT_EQ(cc.find("d")->at.line, 3);
  EXPECT_EQ(root.at_pointer("/a/cc/nothing/here").at.line, cc.at.line);
}

TEST(Yaml, BrokenTextIsAnErrorWithItsPlace) {
  EXPECT_THAT(error_of("a: [1, 2"), HasSubstr("f.yaml:1:"));
  EXPECT_THAT(error_of("a: 1\n\tb: 2"), HasSubstr("f.yaml:2:"));
  EXPECT_THAT(error_of("a: 1\nb: 2\na: 3"),
              HasSubstr("f.yaml:3:1: the key \"a\" stands here twice (first in line 1)"));
  EXPECT_THAT(error_of("a: 1\n---\nb: 2"), HasSubstr("second document"));
  EXPECT_THAT(error_of(""), HasSubstr("empty"));
  EXPECT_THAT(error_of("? [a, b]\n: 1"), HasSubstr("key must be plain"));
  EXPECT_THAT(error_of("a: !!binary aGk="), HasSubstr("tag"));
  EXPECT_THAT(error_of("ok: 1\nbad: \xff\xfe"), HasSubstr("f.yaml:2:1: not valid UTF-8"));
  EXPECT_THAT(error_of("a: *nobody"), HasSubstr("f.yaml:1:"));
  EXPECT_THAT(error_of("a: &x [*x]"), HasSubstr("f.yaml:1:"));
}

TEST(Yaml, AliasesAreCopiesAndCountAsSuch) {
  EXPECT_EQ(parse_yaml("a: &x [1, 2]\nb: *x", "f").json()["b"], Json::array({1, 2}));
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += std::string(j > 0 ? ", " : "") + "*a" + std::to_string(i - 1);
    bomb += "]\n";
  }
  EXPECT_THAT(error_of(bomb), HasSubstr("more than 10000 values"));
}

TEST(Yaml, DepthAndSizeAreLimited) {
  EXPECT_THAT(error_of(std::string(33, '[') + std::string(33, ']')), HasSubstr("nested deeper than 32"));
  EXPECT_THAT(error_of(std::string(100'000, '[')), HasSubstr("f.yaml:1:"));
  EXPECT_THAT(error_of(std::string(300'000, 'a')), HasSubstr("larger than"));
  std::string many = "[";
  for (int i = 0; i < 20'000; ++i) many += "1,";
  EXPECT_THAT(error_of(many + "1]"), HasSubstr("more than 10000 values"));
}

TEST(Yaml, CutAnywhereItParsesOrSaysWhere) {
  const std::string text =
      "trigger:\n  source: email\n  match: {folder: INBOX, from_regex: \"@supplier\\\\.example$\"}\n  list: "
      "[a, 'b', &c d, *c]\n";
  for (std::size_t n = 0; n < text.size(); ++n) {
    const auto error = error_of(text.substr(0, n));
    EXPECT_TRUE(error == "no error" || error.starts_with("f.yaml:")) << n << ": " << error;
  }
}

TEST(Yaml, NearestName) {
  struct Case {
    std::string_view word, meant;
  };
  const std::vector<std::string_view> known = {"source",           "credential_id", "match",    "start_from",
                                               "session_template", "agent_id",      "on_finish"};
  for (const auto& [word, meant] : {Case{"sorce", "source"},
                                    {"credentials_id", "credential_id"},
                                    {"credential-id", "credential_id"},
                                    {"mtach", "match"},
                                    {"Match", "match"},
                                    {"start_form", "start_from"},
                                    {"session-template", "session_template"},
                                    {"agentid", "agent_id"},
                                    {"on_finished", "on_finish"},
                                    {"zebra", ""},
                                    {"", ""}}) {
    EXPECT_EQ(nearest_name(word, known), meant) << word;
  }
}

TEST(Yaml, Durations) {
  EXPECT_EQ(parse_duration("30s"), 30'000'000'000);
  EXPECT_EQ(parse_duration("5m"), 300'000'000'000);
  EXPECT_EQ(parse_duration("72h"), 72 * 3600'000'000'000);
  EXPECT_EQ(parse_duration("7d"), 7 * 86400'000'000'000);
  EXPECT_EQ(parse_duration("0s"), 0);
  for (const auto* bad : {"", "5", "m", "-5m", "5 m", "5min", "1h30m", "99999999999999999999s", "367d",
                          "9223372036854775807d", "5.5h"}) {
    EXPECT_EQ(parse_duration(bad), -1) << bad;
  }
}

}  // namespace
}  // namespace aoh::host
