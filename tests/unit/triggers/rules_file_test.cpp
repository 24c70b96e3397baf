// The rules file: what it may say, and what is said about each kind of mistake.
#include "triggers/rules_file.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

#include "sessions/agent.hpp"

namespace aoh::host {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const Catalog& catalog() {
  static const Manifest manifest =
      Manifest::load(std::string(std::getenv("MAILROOM_SOURCE_DIR")) + "/manifests/email.json");
  static const Catalog c = Catalog::of({&manifest});
  return c;
}

RulesFile read(const std::string& text, const Catalog& c = catalog()) {
  return parse_rules(text, "r.yaml", c, {"supplier-quote", "digest"});
}
std::string error_of(const std::string& text, const Catalog& c = catalog()) {
  try {
    read(text, c);
  } catch (const DocumentError& e) {
    return e.what();
  }
  return "no error";
}
std::string rule(const std::string& lines) {
  return "rules:\n  - name: a\n    match: {from_regex: x}\n" + lines;
}

TEST(RulesFile, EveryAction) {
  const RulesFile f = read(R"yaml(source: email
rules:
  - name: newsletters
    match: {list_id_regex: ".", not: {from_regex: "@us\\.example$"}}
    do: {ignore: true}
  - name: invoices
    credential_id: quotes-inbox
    match:
      any:
        - subject_regex: invoice
        - attachment: {mime_type: application/pdf}
    do:
      start: [supplier-quote, digest]
      flag: ["flagged", "$Invoice"]
      move: Invoices
      label: invoice
      rate_limit: {messages: 5, per: 1h}
      reply: {template: received, data: {days: 3}}
    continue: true
  - name: forged
    match: {authentication: {dmarc: fail}}
    do: {quarantine: true, approval: true}
  - {name: rest, do: {start: digest}}
)yaml");
  EXPECT_EQ(f.source, "email");
  ASSERT_EQ(f.rules.size(), 4u);
  EXPECT_EQ(f.rules.at(0)["do"]["ignore"], Json(true));
  EXPECT_EQ(f.rules.at(1)["credential_id"].str(), "quotes-inbox");
  EXPECT_EQ(f.rules.at(1)["continue"], Json(true));
  EXPECT_EQ(f.rules.at(1)["do"]["reply"]["data"]["days"], Json(3));
  EXPECT_EQ(
      read(R"({"rules": [{"name": "a", "match": {"larger": 1}, "do": {"ignore": true}}]})").rules.size(), 1u);
  EXPECT_EQ(read("rules: []").rules.size(), 0u);
}

TEST(RulesFile, EachMistakeHasItsPlaceAndCure) {
  const std::tuple<std::string, const char*, const char*> cases[] = {
      {"- a", "r.yaml:1:1: ", "a rules file is a map with `rules`"},
      {"rule: []", "r.yaml:1:1: ", "did you mean \"rules\"?"},
      {"source: email", "r.yaml:1:1: ", "rules is missing"},
      {"source: mail\nrules: []", "r.yaml:1:9: ", "there is: email"},
      {"rules: {}", "r.yaml:1:8: ", "must be a list"},
      {"rules:\n  - a\n", "r.yaml:2:5: ", "must be a map"},
      {"rules:\n  - nam: a\n    do: {ignore: true}\n    match: {larger: 1}\n",
       "r.yaml:2:5: ", "did you mean \"name\"?"},
      {"rules:\n  - match: {larger: 1}\n    do: {ignore: true}\n", "r.yaml:2:5: ", "name"},
      {rule(""), "r.yaml:2:5: ", "what is to be done?"},
      {rule("    do: {}\n"), "r.yaml:4:9: ", "what is to be done?"},
      {rule("    do: {ignore: false}\n"), "r.yaml:4:18: ", "true"},
      {rule("    do: {quarantin: true}\n"), "r.yaml:4:10: ", "did you mean \"quarantine\"?"},
      {rule("    do: {start: suplier-quote}\n"), "r.yaml:4:17: ", "did you mean \"supplier-quote\"?"},
      {rule("    do:\n      start:\n        - digest\n        - none\n"),
       "r.yaml:7:11: ", "no blueprint \"none\""},
      {rule("    do: {start: digest, ignore: true}\n"), "r.yaml:4:17: ", "keep one of them"},
      {rule("    do: {rate_limit: {messages: 0, per: 1h}}\n"), "r.yaml:4:33: ", "at least 1"},
      {rule("    do: {rate_limit: {messages: 1, per: hour}}\n"), "r.yaml:4:41: ", "matches"},
      {rule("    do: {rate_limit: {messages: 1}}\n"), "r.yaml:4:22: ", "required"},
      {rule("    do: {reply: {templat: x}}\n"), "r.yaml:4:17: ", "did you mean \"template\"?"},
      {rule("    do: {move: [a]}\n"), "r.yaml:4:16: ", "expected a string"},
      {rule("    do: {ignore: true}\n    continue: maybe\n"), "r.yaml:5:15: ", "true or false"},
      {rule("    do: {ignore: true}\n    contnue: true\n"), "r.yaml:5:5: ", "did you mean \"continue\"?"},
      {"rules:\n  - name: a\n    match:\n      any:\n        - from_regx: x\n    do: {ignore: true}\n",
       "r.yaml:5:11: ", "did you mean \"from_regex\"?"},
      {"rules:\n  - name: a\n    match: {subject_regex: \"(x\"}\n    do: {ignore: true}\n",
       "r.yaml:3:28: ", "missing )"},
      {rule("    do: {ignore: true}\n") + "  - name: a\n    match: {larger: 1}\n    do: {ignore: true}\n",
       "r.yaml:5:11: ", "the name of the rule at line 2"},
      {"rules:\n  - {name: all, do: {ignore: true}}\n  - {name: b, match: {larger: 1}, do: {ignore: true}}\n",
       "r.yaml:3:5: ", "the rule \"all\" takes every one"},
      {"rules:\n  - {name: a, do: {ignore: true}, do: {}}\n", "r.yaml:2:", "do"},
      {"rules: [\n", "r.yaml:", ""},
  };
  for (const auto& [text, place, what] : cases)
    EXPECT_THAT(error_of(text), AllOf(StartsWith(place), HasSubstr(what))) << text;
  EXPECT_THAT(error_of("rules: []", Catalog()), HasSubstr("there is: none"));
}

// What the module would refuse is said here already, with its place, where a schema can say it.
TEST(RulesFile, AConditionOutOfBoundsIsFoundHere) {
  const auto match = [](const std::string& conditions) {
    return error_of("rules:\n  - name: a\n    match: {" + conditions + "}\n    do: {ignore: true}\n");
  };
  for (const char* good : {"0s", "316224000s", "5270400m", "87840h", "3660d", "0003660d"})
    EXPECT_EQ(match("older_than: " + std::string(good)), "no error") << good;
  for (const char* bad :
       {"316224001s", "320000000s", "5270401m", "87841h", "90000h", "3661d", "9999d", "7w", "d", "7 d"})
    EXPECT_THAT(match("newer_than: \"" + std::string(bad) + "\""), StartsWith("r.yaml:3:25: ")) << bad;
  std::string headers;
  for (int i = 0; i < 20; ++i) headers += (i ? ", X-" : "X-") + std::to_string(i) + ": a";
  EXPECT_EQ(match("header_regex: {" + headers + "}"), "no error");
  EXPECT_THAT(match("header_regex: {" + headers + ", Y: a}"), HasSubstr("at most 20 members, came 21"));
  EXPECT_THAT(match("header_regex: {}"), AllOf(StartsWith("r.yaml:3:27: "), HasSubstr("at least 1 members")));
  for (const char* name : {"X Y", "X:", "", "\\u00e4"})
    EXPECT_THAT(match("header_regex: {\"" + std::string(name) + "\": a}"), HasSubstr("matches")) << name;
  EXPECT_THAT(match("authentication: {}"), HasSubstr("at least 1 members"));
}

TEST(RulesFile, LimitsAreFinite) {
  std::string many = "rules:\n";
  for (int i = 0; i < 2001; ++i)
    many += "  - {name: r" + std::to_string(i) + ", match: {larger: 1}, do: {ignore: true}}\n";
  EXPECT_THAT(error_of(many), AllOf(StartsWith("r.yaml:2002:5: "), HasSubstr("more than 2000 rules")));
  EXPECT_THAT(error_of("rules:\n" + std::string(5u << 20, ' ') + "  - {}\n"), HasSubstr("bytes"));
}

}  // namespace
}  // namespace aoh::host
