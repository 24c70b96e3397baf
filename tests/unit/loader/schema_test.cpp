#include "loader/schema.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using aoh::Json;
using aoh::host::Schema;
using aoh::host::SchemaError;
using testing::HasSubstr;

namespace {

struct Case {
  const char* schema;
  const char* good;
  const char* bad;
  const char* problem;  // what the bad one is told
};

TEST(Schema, EachKeywordAcceptsAndRefuses) {
  const Case cases[] = {
      {R"({"type":"string"})", R"("a")", "5", "the value: expected a string, came the integer 5"},
      {R"({"type":["string","null"]})", "null", "true", "expected a string or null, came the boolean true"},
      {R"({"type":"integer"})", "5.0", "5.5", "expected an integer, came the number 5.5"},
      {R"({"type":"number"})", "5", "\"5\"", "expected a number, came the string \"5\""},
      {R"({"minimum":1})", "1", "0", "at least 1, came"},
      {R"({"maximum":1})", "1", "2", "at most 1, came"},
      {R"({"exclusiveMinimum":1})", "1.5", "1", "more than 1"},
      {R"({"exclusiveMaximum":1})", "0", "1", "less than 1"},
      {R"({"minLength":2})", "\"\u00e9\u00e9\"", "\"\u00e9\"", "at least 2 characters, came 1 characters"},
      {R"({"maxLength":2})", "\"\u00e9\u00e9\"", "\"abc\"", "at most 2 characters"},
      {R"({"pattern":"^a+$"})", "\"aaa\"", "\"b\"", "a text that matches ^a+$"},
      {R"({"format":"regex"})", "\"(a|b)\"", "\"(\"", "a regular expression of RE2"},
      {R"({"format":"regex"})", "\"a{10}\"", "\"((a{1000}){1000}){1000}\"", "a regular expression of RE2"},
      {R"({"minItems":1})", "[1]", "[]", "at least 1 items, came 0"},
      {R"({"maxItems":1})", "[1]", "[1,2]", "at most 1 items"},
      {R"({"minProperties":1})", R"({"a":1})", "{}", "at least 1 members, came 0"},
      {R"({"maxProperties":1})", R"({"a":1})", R"({"a":1,"b":2})", "at most 1 members, came 2"},
      {R"({"propertyNames":{"pattern":"^a"}})", R"({"ab":1})", R"({"a":1,"b":2})",
       "/b: expected a text that matches ^a, came the string \"b\""},
      {R"({"uniqueItems":true})", R"([1,"1",{"a":1}])", R"([{"a":1,"b":2},{"b":2.0,"a":1}])",
       "no item twice"},
      {R"({"items":{"type":"string"}})", R"(["a"])", R"(["a",1])",
       "/1: expected a string, came the integer 1"},
      {R"({"enum":["now","all"]})", "\"now\"", "\"nov\"", "(did you mean \"now\"?)"},
      {R"({"const":1})", "1.0", "2", "expected 1, came the integer 2"},
      {R"({"required":["a"]})", R"({"a":null})", "{}", "/a: expected a value, it is required, came nothing"},
      {R"({"properties":{"subject":{}},"additionalProperties":false})", R"({"subject":1})", R"({"subjct":1})",
       "/subjct: expected a known property (subject), came an unknown property (did you mean \"subject\"?)"},
      {R"({"additionalProperties":{"type":"integer"}})", R"({"x":1})", R"({"a/b":"y"})",
       "/a~1b: expected an integer"},
      {R"({"anyOf":[{"type":"string"},{"type":"object","required":["a"]}]})", "\"x\"", "{}",
       "/a: expected a value"},
      {R"({"oneOf":[{"type":"integer"},{"minimum":3}]})", "1", "5",
       "exactly one of the alternatives, 2 match"},
      {R"({"allOf":[{"minimum":1},{"maximum":3}]})", "2", "4", "at most 3"},
      {R"({"not":{"type":"string"}})", "1", "\"x\"", "something else"},
      {R"({"anyOf":[{"type":"string"},{"type":"object"},{"type":"array","minItems":1}]})", "[1]", "[]",
       "at least 1 items, came 0"},
      {R"({"anyOf":[{"pattern":"^a"},{"pattern":"^b"}]})", "\"bx\"", "\"cx\"", "matches"},
  };
  for (const Case& c : cases) {
    const Schema s = Schema::compile(Json::parse(c.schema));
    EXPECT_EQ(describe(s.validate(Json::parse(c.good))), "") << c.schema;
    EXPECT_THAT(describe(s.validate(Json::parse(c.bad))), HasSubstr(c.problem)) << c.schema;
  }
}

TEST(Schema, RefusesWhatNobodyChecks) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"properties":{"a":{"minLenght":1}}})", "/properties/a/minLenght is not a keyword"},
      {R"({"minLenght":1})", "did you mean \"minLength\"?"},
      {R"({"patternProperties":{}})", "/patternProperties is not a keyword"},
      {R"({"$ref":"#"})", "/$ref makes a schema that means itself"},
      {R"({"anyOf":[{"type":"string"},{"$ref":"#"}]})", "/anyOf/1/$ref makes a schema that means itself"},
      {R"({"properties":{"a":{"$ref":"#/definitions/a"}}})", "/properties/a/$ref must be \"#\""},
      {R"({"type":"strin"})", "/type names the type \"strin\""},
      {R"x({"pattern":"("})x", "/pattern is not a regular expression"},
      {R"x({"pattern":"(?=a)"})x", "/pattern is not a regular expression"},
      {R"({"minLength":-1})", "/minLength must be a whole number"},
      {R"({"anyOf":[]})", "/anyOf must be an array of schemas"},
      {R"([])", "must be a schema"},
  };
  for (const auto& [schema, problem] : cases) {
    try {
      Schema::compile(Json::parse(schema));
      ADD_FAILURE() << schema << " was accepted";
    } catch (const SchemaError& e) {
      EXPECT_THAT(e.what(), HasSubstr(problem));
    }
  }
  std::string deep = "{}";
  for (int i = 0; i < 40; ++i) deep = R"({"items":)" + deep + "}";
  EXPECT_THROW(Schema::compile(Json::parse(deep)), SchemaError);
}

TEST(Schema, StaysFiniteOnHostileInstances) {
  const Schema pattern = Schema::compile(Json::parse(R"x({"pattern":"^(a+)+$"})x"));
  EXPECT_EQ(pattern.validate(Json(std::string(60000, 'a') + "b")).size(), 1u);
  EXPECT_THAT(describe(pattern.validate(Json(std::string(1 << 20, 'a')))), HasSubstr("65536"));
  const Schema unique = Schema::compile(Json::parse(R"({"uniqueItems":true})"));
  Json many = Json::array();
  for (int i = 0; i < 200'000; ++i) many.push(i);
  EXPECT_TRUE(unique.validate(many).empty());
  const Schema items = Schema::compile(Json::parse(R"({"items":{"type":"string"}})"));
  EXPECT_EQ(items.validate(many).size(), 20u);  // no more problems than a person reads
}

TEST(Schema, TheWholeSchemaAgain) {
  const Schema s = Schema::compile(Json::parse(
      R"({"type":"object","properties":{"n":{"type":"integer"},"any":{"type":"array","items":{"$ref":"#"}},"not":{"$ref":"#"}},"additionalProperties":false})"));
  EXPECT_TRUE(s.validate(Json::parse(R"({"n":1,"any":[{"n":2},{"not":{"any":[{"n":3}]}}]})")).empty());
  EXPECT_THAT(describe(s.validate(Json::parse(R"({"any":[{"n":2},{"not":{"any":[{"n":"x"}]}}]})"))),
              HasSubstr("/any/1/not/any/0/n: expected an integer"));
  EXPECT_THAT(describe(s.validate(Json::parse(R"({"not":{"ani":[]}})"))), HasSubstr("did you mean \"any\"?"));
  // Two ways at each level would be 2^30 of them.
  const Schema twice = Schema::compile(Json::parse(
      R"({"anyOf":[{"items":{"$ref":"#"},"maxItems":0},{"items":{"$ref":"#"},"maxItems":0},{"type":"array","items":{"$ref":"#"}}]})"));
  Json deep = 1;
  for (int i = 0; i < 30; ++i) deep = Json::array({deep});
  EXPECT_FALSE(twice.validate(deep).empty());  // and it comes to an end
}

TEST(Schema, NearestNameIsNearOrNothing) {
  EXPECT_EQ(aoh::host::nearest("subjct", {"subject", "to"}), "subject");
  EXPECT_EQ(aoh::host::nearest("banana", {"subject", "to"}), "");
}

}  // namespace
