#include "loader/manifest.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

using aoh::Json;
using aoh::host::Manifest;
using aoh::host::ManifestError;
using testing::HasSubstr;

namespace {

Json good() {
  return Json::parse(R"({
    "id": "demo", "version": "1.2.3", "title": "Demo", "description": "d", "license": "MIT", "abi": {"major": 1, "minor": 0},
    "services": {"required": ["aoh.log/1"], "optional": ["aoh.vault/1"]},
    "tools": [{"name": "demo_send", "description": "d",
      "inputSchema": {"type": "object", "properties": {"credential_id": {"type": "string"}, "to": {"type": "string"}, "uid": {"type": "integer"}}},
      "annotations": {"readOnlyHint": true},
      "aoh": {"timeout_ms": 1234, "concurrency": 3, "approval": "policy", "egress": true, "permissions": ["vault"],
              "credential": {"argument": "credential_id", "grant": "send"}, "examples": [{"arguments": {"to": "x"}}]}}],
    "credential_types": [{"type": "mail", "schema": {"type": "object", "properties": {"password": {"type": "string"}, "store": {"type": "string"}, "n": {"type": "integer"}}}, "secret_fields": ["password"], "references": ["store"]}],
    "trigger_sources": [{"source": "demo", "match_schema": {"type": "object"}, "source_key": [{"name": "m", "path": "match.folder", "default": "INBOX"}]}],
    "finish_actions": [{"name": "reply", "tool": "demo_send", "schema": {"type": "object", "properties": {"rcpt": {"type": "string"}}},
      "arguments": {"to": "rcpt"}, "trigger_arguments": {"uid": "email.uid"}}],
    "permissions": [{"name": "vault", "reason": "to sign in"}]})");
}

std::string refusal(const Json& j) {
  try {
    Manifest::parse(j.dump());
    return "accepted";
  } catch (const ManifestError& e) {
    return e.what();
  }
}

TEST(Manifest, ReadsEveryField) {
  const Manifest m = Manifest::parse(good().dump());
  EXPECT_EQ(m.id, "demo");
  const auto* t = m.tool("demo_send");
  ASSERT_NE(t, nullptr);
  EXPECT_EQ(t->timeout_ms, 1234);
  EXPECT_EQ(t->concurrency, 3);
  EXPECT_EQ(t->max_result_bytes, 1u << 20);
  EXPECT_EQ(t->approval, aoh::host::Approval::policy);
  EXPECT_TRUE(t->egress);
  EXPECT_TRUE(t->read_only());
  ASSERT_TRUE(t->credential);
  EXPECT_EQ(t->credential->grant, aoh::host::Grant::send);
  EXPECT_FALSE(t->mcp.has("aoh"));
  EXPECT_EQ(t->examples.size(), 1u);
  EXPECT_EQ(m.source("demo")->source_key.at(0).fallback.str(), "INBOX");
  EXPECT_EQ(m.finish_action("reply")->arguments.at(0), (std::pair<std::string, std::string>{"to", "rcpt"}));
  EXPECT_EQ(m.credential_type("mail")->secret_fields, std::vector<std::string>{"password"});
  EXPECT_EQ(m.credential_type("mail")->references, std::vector<std::string>{"store"});
  EXPECT_TRUE(m.wants_service("aoh.vault/1"));
  EXPECT_TRUE(m.has_permission("vault"));
}

TEST(Manifest, ShippedOnesAreValid) {
  const std::filesystem::path root = std::getenv("MAILROOM_SOURCE_DIR");
  for (const auto& entry : std::filesystem::directory_iterator(root / "manifests")) {
    if (entry.path().extension() != ".json") continue;
    if (entry.path().filename() == "providers.json") continue;  // the email plugin's data, no manifest
    EXPECT_NO_THROW(Manifest::load(entry.path())) << entry.path();
  }
}

TEST(Manifest, EachMistakeIsNamedWithItsPlace) {
  struct Case {
    std::function<void(Json&)> spoil;
    const char* message;
  };
  const auto tool = [](Json& j) -> Json& { return const_cast<Json&>(j["tools"].at(0)); };
  const auto mail = [](Json& j) -> Json& { return const_cast<Json&>(j["credential_types"].at(0)); };
  const auto refers = [](const char* field) { return Json::array().push(field); };
  const Case cases[] = {
      {[&](Json& j) {
         Json use = tool(j)["aoh"]["credential"];
         const_cast<Json&>(tool(j)["aoh"]).set("credential", use.set("type", "male"));
       },
       "/tools/0/aoh/credential/type: \"male\" is not a credential type"},
      {[&](Json& j) { mail(j).set("references", refers("stor")); },
       "/credential_types/0/references: \"stor\" is not a"},
      {[&](Json& j) { mail(j).set("references", refers("n")); }, "\"n\" is not a string"},
      {[&](Json& j) { mail(j).set("references", refers("password")); }, "\"password\" is secret"},
      {[](Json& j) { j.set("licence", "MIT"); }, "/licence: expected a known property"},
      {[](Json& j) { j.set("licence", "MIT"); }, "did you mean \"license\"?"},
      {[](Json& j) { j.erase("version"); }, "/version: expected a value, it is required"},
      {[](Json& j) { j.set("version", "1"); }, "/version: expected a text that matches"},
      {[](Json& j) { j.slot("abi").set("major", "1"); }, "/abi/major: expected an integer, came the string"},
      {[&](Json& j) { tool(j).set("name", "demo.send"); }, "/tools/0/name: expected a text that matches"},
      {[&](Json& j) {
         tool(j).set("inputSchema", Json{{"type", "array"}});
       },
       "/tools/0/inputSchema/type: expected \"object\""},
      {[&](Json& j) { tool(j).slot("inputSchema").set("patternProperties", Json::object()); },
       "at /patternProperties is not a keyword"},
      {[&](Json& j) { tool(j).slot("inputSchema").set("oneOf", Json::array()); },
       "model APIs take no such keyword"},
      {[&](Json& j) {
         tool(j).slot("aoh").set("examples", Json::array({Json{{"arguments", Json{{"to", 5}}}}}));
       },
       "the example is not valid"},
      {[&](Json& j) { tool(j).slot("aoh").slot("credential").set("argument", "account"); },
       "\"account\" is not a property"},
      {[&](Json& j) { tool(j).slot("aoh").set("permissions", Json::array({"network"})); },
       "\"network\" is not among the module's permissions"},
      {[](Json& j) { j.set("permissions", Json::array()); }, "aoh.vault/1 needs the permission \"vault\""},
      {[](Json& j) { const_cast<Json&>(j["finish_actions"].at(0)).set("tool", "demo_sent"); },
       "did you mean \"demo_send\"?"},
      {[](Json& j) { const_cast<Json&>(j["finish_actions"].at(0)).slot("arguments").set("cc", "rcpt"); },
       "/finish_actions/0/arguments/cc"},
      {[](Json& j) { const_cast<Json&>(j["finish_actions"].at(0)).slot("arguments").set("to", "nobody"); },
       "\"nobody\" is not a property of the action's schema"},
      {[](Json& j) {
         const Json t = j["tools"].at(0);
         j.slot("tools").push(t);
       },
       "\"demo_send\" stands twice"},
  };
  for (const Case& c : cases) {
    Json j = good();
    c.spoil(j);
    EXPECT_THAT(refusal(j), HasSubstr(c.message));
  }
  EXPECT_EQ(refusal(good()), "accepted");
}

TEST(Manifest, HostileTextIsAnError) {
  for (const char* text : {"", "{", "[]", "null", "{\"id\":\"a\",\"id\":\"b\"}", "\xff"})
    EXPECT_THROW(Manifest::parse(text), ManifestError) << text;
  EXPECT_THROW(Manifest::parse(std::string(2 << 20, ' ')), ManifestError);
  EXPECT_THROW(Manifest::load("/nonexistent/x.json"), ManifestError);
}

}  // namespace
