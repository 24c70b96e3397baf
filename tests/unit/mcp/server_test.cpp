// The protocol's machine: the handshake of each revision, the one without, pages, calls, what is refused.
#include "mcp/server.hpp"

#include <gmock/gmock.h>

namespace aoh::host::mcp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

Offer offer(int tools = 2) {
  Offer o{"host", "1.0", "Read session://input first.", {}, {}};
  for (int i = 0; i < tools; ++i)
    o.tools.push_back(Json{{"name", "tool_" + std::to_string(i)}, {"inputSchema", Json{{"type", "object"}}}});
  o.resources.push_back(
      {Json{{"uri", "session://input"}, {"name", "input"}, {"mimeType", "application/json"}}, "{\"a\":1}"});
  return o;
}

Json request(Json id, const std::string& method, Json params = Json::object()) {
  return Json{{"jsonrpc", "2.0"}, {"id", std::move(id)}, {"method", method}, {"params", std::move(params)}};
}

/// The one answer to a message.
Json ask(Server& server, const Json& message) {
  const auto reaction = server.line(message.dump());
  EXPECT_THAT(reaction.lines, SizeIs(1)) << message.dump();
  return reaction.lines.empty() ? Json() : Json::parse(reaction.lines[0]);
}

Json initialize(Server& server, const std::string& version = "2025-11-25") {
  return ask(server, request(0, "initialize",
                             Json{{"protocolVersion", version},
                                  {"capabilities", Json::object()},
                                  {"clientInfo", Json{{"name", "t"}, {"version", "1"}}}}));
}

Json modern(Json params = Json::object(), const std::string& version = "2026-07-28") {
  params.set("_meta", Json{{"io.modelcontextprotocol/protocolVersion", version},
                           {"io.modelcontextprotocol/clientCapabilities", Json::object()}});
  return params;
}

TEST(McpServer, TakesEveryRevisionThatItKnowsAndOffersTheNewestToOthers) {
  for (const auto* version : {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}) {
    Server server(offer());
    const Json result = initialize(server, version)["result"];
    EXPECT_EQ(result["protocolVersion"].str(), version);
    EXPECT_TRUE(result["capabilities"]["tools"].is_object());
    EXPECT_TRUE(result["capabilities"]["resources"].is_object());
    EXPECT_EQ(result["serverInfo"], (Json{{"name", "host"}, {"version", "1.0"}}));
    EXPECT_EQ(server.version(), version);
  }
  for (const auto* version : {"1999-01-01", "2026-07-28", ""}) {
    Server server(offer());
    EXPECT_EQ(initialize(server, version)["result"]["protocolVersion"].str(), "2025-11-25") << version;
  }
}

TEST(McpServer, NothingButPingComesBeforeTheHandshakeWhichComesOnce) {
  Server server(offer());
  EXPECT_EQ(ask(server, request(1, "tools/list"))["error"]["code"].integer(), kInvalidRequest);
  EXPECT_EQ(ask(server, request(2, "ping"))["result"], Json::object());
  initialize(server);
  EXPECT_THAT(server.line(R"({"jsonrpc":"2.0","method":"notifications/initialized"})").lines, IsEmpty());
  EXPECT_EQ(ask(server, request(3, "tools/list"))["result"]["tools"].size(), 2u);
  EXPECT_EQ(initialize(server)["error"]["code"].integer(), kInvalidRequest);
  EXPECT_EQ(ask(server, request(4, "ping"))["result"], Json::object());
}

TEST(McpServer, ARequestWithItsRevisionNeedsNoHandshake) {
  Server server(offer());
  const Json found = ask(server, request("d", "server/discover", modern()))["result"];
  EXPECT_EQ(found["supportedVersions"],
            Json::array({"2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}));
  EXPECT_EQ(found["resultType"].str(), "complete");
  const Json listed = ask(server, request(1, "tools/list", modern()))["result"];
  EXPECT_EQ(listed["tools"].size(), 2u);
  EXPECT_EQ(listed["ttlMs"].integer(-1), 0);
  EXPECT_EQ(listed["cacheScope"].str(), "private");
  EXPECT_EQ(listed["_meta"]["io.modelcontextprotocol/serverInfo"]["name"].str(), "host");
  const auto called = server.line(request(2, "tools/call", modern(Json{{"name", "tool_1"}})).dump());
  ASSERT_THAT(called.calls, SizeIs(1));
  const Json answer = Json::parse(
      server.answer(called.calls[0].key, Json{{"content", Json::array()}, {"structuredContent", 7}}));
  EXPECT_EQ(answer["result"]["resultType"].str(), "complete");
  EXPECT_EQ(answer["result"]["structuredContent"].integer(), 7);
  // What that revision has no more, and what it names otherwise.
  EXPECT_EQ(ask(server, request(3, "ping", modern()))["error"]["code"].integer(), kMethodNotFound);
  EXPECT_EQ(ask(server, request(4, "resources/read", modern(Json{{"uri", "x"}})))["error"]["code"].integer(),
            kInvalidParams);
  const Json error = ask(server, request(5, "tools/list", modern({}, "2030-01-01")))["error"];
  EXPECT_EQ(error["code"].integer(), kUnsupportedVersion);
  EXPECT_EQ(error["data"]["requested"].str(), "2030-01-01");
  EXPECT_EQ(error["data"]["supported"].at(0).str(), "2026-07-28");
  const Json bare{{"_meta", Json{{"io.modelcontextprotocol/protocolVersion", "2026-07-28"}}}};
  EXPECT_THAT(ask(server, request(6, "tools/list", bare))["error"]["message"].str(),
              HasSubstr("clientCapabilities"));
  EXPECT_EQ(server.version(), "");  // the handshake may still come
}

TEST(McpServer, ADiscoveryWithoutRevisionIsAnErrorThatSendsTheClientToTheHandshake) {
  Server server(offer());
  EXPECT_TRUE(ask(server, request(1, "server/discover")).has("error"));
  EXPECT_EQ(initialize(server)["result"]["protocolVersion"].str(), "2025-11-25");
}

TEST(McpServer, ToolsComeInPages) {
  Server server(offer(5), {.page = 2});
  initialize(server);
  std::vector<std::string> names;
  Json cursor;
  int pages = 0;
  do {
    const Json result =
        ask(server,
            request(1, "tools/list", cursor.is_null() ? Json::object() : Json{{"cursor", cursor}}))["result"];
    for (const auto& tool : result["tools"].items()) names.push_back(tool["name"].str());
    cursor = result["nextCursor"];
    ++pages;
  } while (!cursor.is_null());
  EXPECT_EQ(pages, 3);
  EXPECT_THAT(names, ElementsAre("tool_0", "tool_1", "tool_2", "tool_3", "tool_4"));
  for (const auto* wrong : {"", "0", "5", "-1", "2x", "99999999999999999999"})
    EXPECT_EQ(ask(server, request(1, "tools/list", Json{{"cursor", wrong}}))["error"]["code"].integer(),
              kInvalidParams)
        << wrong;
}

TEST(McpServer, ResourcesAreListedAndRead) {
  Server server(offer());
  initialize(server);
  EXPECT_EQ(ask(server, request(1, "resources/list"))["result"]["resources"].at(0)["uri"].str(),
            "session://input");
  const Json read = ask(server, request(2, "resources/read", Json{{"uri", "session://input"}}))["result"];
  EXPECT_EQ(read["contents"].at(0),
            (Json{{"uri", "session://input"}, {"mimeType", "application/json"}, {"text", "{\"a\":1}"}}));
  const Json error = ask(server, request(3, "resources/read", Json{{"uri", "session://other"}}))["error"];
  EXPECT_EQ(error["code"].integer(), kResourceNotFound);
  EXPECT_EQ(error["data"]["uri"].str(), "session://other");
  EXPECT_TRUE(ask(server, request(4, "resources/templates/list"))["result"].has("resourceTemplates"));
}

TEST(McpServer, ACallStaysOpenUntilItIsAnsweredUnderItsOwnId) {
  Server server(offer());
  initialize(server);
  const auto call = [&](Json id, const std::string& tool) {
    return server.line(
        request(std::move(id), "tools/call", Json{{"name", tool}, {"arguments", Json{{"x", 1}}}}).dump());
  };
  const auto number = call(1, "tool_0"), text = call("1", "tool_1");
  ASSERT_THAT(number.calls, SizeIs(1));
  EXPECT_EQ(number.calls[0].tool, "tool_0");
  EXPECT_EQ(number.calls[0].arguments, (Json{{"x", 1}}));
  EXPECT_NE(number.calls[0].key, text.calls[0].key);
  EXPECT_THAT(Json::parse(call(1, "tool_1").lines.at(0))["error"]["message"].str(),
              HasSubstr("not answered yet"));
  EXPECT_EQ(server.open_calls(), 2u);
  EXPECT_EQ(Json::parse(server.answer(text.calls[0].key, Json{{"isError", true}})),
            (Json{{"jsonrpc", "2.0"}, {"id", "1"}, {"result", Json{{"isError", true}}}}));
  EXPECT_EQ(Json::parse(server.fail(number.calls[0].key, kInvalidRequest, "no"))["id"], Json(1));
  EXPECT_EQ(server.answer(number.calls[0].key, Json::object()), "");
  EXPECT_THAT(call(1, "tool_0").calls, SizeIs(1));  // an id may be used again
}

TEST(McpServer, ACancelledCallIsNamedAndNeverAnswered) {
  Server server(offer());
  initialize(server);
  const auto key = server.line(request("c", "tools/call", Json{{"name", "tool_0"}}).dump()).calls.at(0).key;
  const auto cancel = [&](const char* id) {
    return server.line(std::string(R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":)") +
                       R"({"requestId":)" + id + "}}");
  };
  EXPECT_THAT(cancel("\"other\"").cancelled, IsEmpty());
  EXPECT_THAT(cancel("\"c\"").cancelled, ElementsAre(key));
  EXPECT_THAT(cancel("\"c\"").cancelled, IsEmpty());
  EXPECT_EQ(server.answer(key, Json::object()), "");
}

TEST(McpServer, AToolThatIsNotOfferedIsRefusedAndNamed) {
  Server server(offer());
  initialize(server);
  const auto reaction = server.line(request(1, "tools/call", Json{{"name", std::string(5000, 'x')}}).dump());
  EXPECT_THAT(reaction.refused, ElementsAre(std::string(100, 'x')));
  EXPECT_THAT(reaction.calls, IsEmpty());
  EXPECT_EQ(Json::parse(reaction.lines.at(0))["error"]["code"].integer(), kInvalidParams);
  const auto wrong = server.line(
      R"({"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"tool_0","arguments":[]}})");
  EXPECT_THAT(wrong.calls, IsEmpty());
  EXPECT_THAT(wrong.refused, IsEmpty());
  EXPECT_EQ(Json::parse(wrong.lines.at(0))["error"]["code"].integer(), kInvalidParams);
}

TEST(McpServer, OnlySoManyCallsAreOpenAtOnce) {
  Server server(offer(), {.open_calls = 3});
  initialize(server);
  int taken = 0, refused = 0;
  for (int i = 0; i < 10; ++i) {
    const auto reaction = server.line(request(i, "tools/call", Json{{"name", "tool_0"}}).dump());
    taken += static_cast<int>(reaction.calls.size());
    refused += static_cast<int>(reaction.lines.size());
  }
  EXPECT_EQ(taken, 3);
  EXPECT_EQ(refused, 7);
}

TEST(McpServer, WhatIsNoJsonIsTheEndAndSaysWhere) {
  const std::string deep = std::string(100'000, '[');
  const std::string with_nul = std::string("{\"jsonrpc\":\"2.0\",\0\"id\":1}", 24);
  for (const std::string& text :
       {std::string("{"), std::string("hello"), deep, with_nul, std::string("{\"a\":1,\"a\":2}"),
        std::string("{\"a\":\"\xff\"}"), std::string("{} {}"), std::string(3, '\0')}) {
    Server server(offer());
    const auto reaction = server.line(text);
    EXPECT_FALSE(reaction.broken.empty()) << text.substr(0, 40);
    ASSERT_THAT(reaction.lines, SizeIs(1));
    EXPECT_EQ(Json::parse(reaction.lines[0])["error"]["code"].integer(), kParseError);
    EXPECT_TRUE(Json::parse(reaction.lines[0])["id"].is_null());
  }
}

TEST(McpServer, JsonThatIsNoMessageIsAnsweredAndForgotten) {
  const struct {
    const char* text;
    const char* id;
  } kCases[] = {
      {R"([])", "null"},
      {R"([{"jsonrpc":"2.0","id":1,"method":"ping"}])", "null"},  // batches are of another revision
      {R"(7)", "null"},
      {R"({"id":1,"method":"ping"})", "1"},
      {R"({"jsonrpc":"1.0","id":1,"method":"ping"})", "1"},
      {R"({"jsonrpc":"2.0","id":null,"method":"ping"})", "null"},
      {R"({"jsonrpc":"2.0","id":{},"method":"ping"})", "null"},
      {R"({"jsonrpc":"2.0","id":"a","method":7})", "\"a\""},
      {R"({"jsonrpc":"2.0","id":"a","method":""})", "\"a\""},
      {R"({"jsonrpc":"2.0","id":"a","method":"ping","params":[]})", "\"a\""},
      {R"({"jsonrpc":"2.0","id":"a"})", "\"a\""},
      {R"({"jsonrpc":"2.0","id":"a","result":{},"error":{}})", "\"a\""},
  };
  Server server(offer());
  initialize(server);
  for (const auto& c : kCases) {
    const auto reaction = server.line(c.text);
    EXPECT_THAT(reaction.broken, IsEmpty());
    ASSERT_THAT(reaction.lines, SizeIs(1)) << c.text;
    const Json answer = Json::parse(reaction.lines[0]);
    EXPECT_EQ(answer["error"]["code"].integer(), kInvalidRequest) << c.text;
    EXPECT_EQ(answer["id"].dump(), c.id) << c.text;
  }
  const std::string huge(kMaxIdBytes + 1, 'i');
  EXPECT_TRUE(ask(server, request(huge, "ping"))["id"].is_null());
  EXPECT_EQ(ask(server, request(std::string(kMaxIdBytes, 'i'), "ping"))["result"], Json::object());
  // Its answers to nothing, notifications that nobody knows, and empty lines lead to nothing.
  for (const auto* text : {R"({"jsonrpc":"2.0","id":9,"result":{}})",
                           R"({"jsonrpc":"2.0","id":9,"error":{"code":1,"message":""}})",
                           R"({"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}})",
                           R"({"jsonrpc":"2.0","method":"notifications/whatever"})", "", "  \r"})
    EXPECT_THAT(server.line(text).lines, IsEmpty()) << text;
  EXPECT_EQ(ask(server, request(1, "prompts/list"))["error"]["code"].integer(), kMethodNotFound);
}

TEST(McpServer, BatchesAreOfTheOneRevisionThatHasThem) {
  Server server(offer(), {.batch = 3});
  initialize(server, "2025-03-26");
  const auto reaction = server.line(Json::array({request(1, "ping"), request(2, "tools/list"), 5}).dump());
  EXPECT_THAT(reaction.lines, SizeIs(3));
  Json four = Json::array();
  for (int i = 0; i < 4; ++i) four.push(request(i, "ping"));
  EXPECT_EQ(Json::parse(server.line(four.dump()).lines.at(0))["error"]["code"].integer(), kInvalidRequest);
}

TEST(McpServer, ABatchIsAnsweredUpToABoundAndTheRestRefused) {
  Offer large = offer();
  large.resources[0].text = std::string(400'000, 'x');
  Server server(large);
  initialize(server, "2025-03-26");
  Json batch = Json::array();
  for (int i = 0; i < 49; ++i) batch.push(request(i, "resources/read", Json{{"uri", "session://input"}}));
  batch.push(request("call", "tools/call", Json{{"name", "tool_0"}}));
  const auto reaction = server.line(batch.dump());
  ASSERT_THAT(reaction.lines, SizeIs(50));
  EXPECT_THAT(reaction.calls, IsEmpty());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < 50; ++i) {
    bytes += reaction.lines[i].size();
    const Json answer = Json::parse(reaction.lines[i]);
    EXPECT_EQ(answer["error"]["code"].integer(), i < 3 ? 0 : kTooMuchAtOnce) << i;
  }
  EXPECT_LT(bytes, std::size_t{3} << 19);
}

TEST(McpServer, ACallThatItsOwnBatchGivesUpIsNotMadeAndItsIdIsFree) {
  Server server(offer());
  initialize(server, "2025-03-26");
  const auto call = [](int n) {
    return request(1, "tools/call", Json{{"name", "tool_0"}, {"arguments", Json{{"n", n}}}});
  };
  const Json cancel{
      {"jsonrpc", "2.0"}, {"method", "notifications/cancelled"}, {"params", Json{{"requestId", 1}}}};
  const auto reaction = server.line(Json::array({call(0), cancel, call(1)}).dump());
  ASSERT_THAT(reaction.calls, SizeIs(1));
  EXPECT_EQ(reaction.calls[0].arguments["n"].integer(), 1);
  EXPECT_THAT(reaction.cancelled, IsEmpty());
  EXPECT_EQ(server.open_calls(), 1u);
}

TEST(McpServer, ReportedTokensAreTheHighestThatAnyMessageNames) {
  Server server(offer());
  initialize(server);
  const auto said = [&](Json tokens) {
    return server.line(request(1, "ping", Json{{"_meta", Json{{"aoh/tokens", std::move(tokens)}}}}).dump())
        .tokens;
  };
  EXPECT_EQ(said(1200), 1200);
  EXPECT_EQ(said("many"), 0);
  EXPECT_EQ(said(-5), 0);
}

// Every prefix of a dialogue, and every byte of it turned: an answer or the end, never anything else.
TEST(McpServer, CutAndBentDialoguesAreAnsweredOrRefused) {
  const std::string text = request(1, "tools/call",
                                   Json{{"name", "tool_0"},
                                        {"arguments", Json{{"a", Json::array({1, 2.5, "x"})}}},
                                        {"_meta", Json{{"progressToken", "p"}}}})
                               .dump();
  for (std::size_t i = 0; i < text.size(); ++i) {
    Server server(offer());
    initialize(server);
    const auto cut = server.line(text.substr(0, i));
    EXPECT_EQ(cut.lines.size(), i == 0 ? 0u : 1u) << i;
    EXPECT_EQ(cut.broken.empty(), i == 0) << i;
    for (const char flip : {'\x01', '\x20', '\x7f'}) {
      std::string bent = text;
      bent[i] = static_cast<char>(bent[i] ^ flip);
      Server other(offer());
      initialize(other);
      const auto reaction = other.line(bent);
      EXPECT_LE(reaction.lines.size() + reaction.calls.size(), 1u) << bent;
    }
  }
}

}  // namespace
}  // namespace aoh::host::mcp
