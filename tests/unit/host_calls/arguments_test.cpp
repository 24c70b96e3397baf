// What a call is refused for before its module hears of it, and what an answer is refused for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "calls/check.hpp"
#include "fake_module.hpp"

using namespace aoh::host::test;
using aoh::Json;
using aoh::host::CallEngine;
using aoh::host::CallRequest;
using aoh::host::CallResult;
using aoh::host::SystemClock;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

class Arguments : public testing::Test {
 protected:
  Arguments() : engine(fake.ports(), clock) {
    fake.body = [this](aoh_call* call, const Json& arguments) {
      seen = arguments;
      context = Json::parse(aoh::host::view(call->context_json));
      flags = call->flags;
      succeed(call, Json{{"n", 1}});
      return AOH_OK;
    };
  }
  std::string refused(CallRequest r, aoh_status status) {
    const CallResult answer = engine.call(std::move(r));
    EXPECT_EQ(answer.status, status) << answer.message;
    EXPECT_FALSE(answer.reached);
    EXPECT_TRUE(seen.is_null()) << "the module was called";
    return answer.message;
  }
  CallRequest of_agent(Json arguments, Json grants) {
    CallRequest r = ask("mail", std::move(arguments));
    r.from_operator = false;
    r.grants = std::move(grants);
    return r;
  }
  SystemClock clock;
  FakeModule fake;
  CallEngine engine;
  Json seen, context;
  std::uint32_t flags = 0;
};

TEST_F(Arguments, UnknownToolNamesTheNearest) {
  EXPECT_THAT(refused(ask("stric"), AOH_E_NOT_FOUND),
              AllOf(HasSubstr("stric"), HasSubstr("did you mean \"strict\"")));
}

TEST_F(Arguments, WrongTypeNamesFieldExpectedAndCame) {
  EXPECT_THAT(refused(ask("strict", Json{{"uid", "seven"}}), AOH_E_INVALID),
              AllOf(HasSubstr("strict"), HasSubstr("/uid"), HasSubstr("integer"), HasSubstr("seven")));
}

TEST_F(Arguments, UnknownFieldNamesTheNearest) {
  EXPECT_THAT(refused(ask("strict", Json{{"uid", 1}, {"malbox", "x"}}), AOH_E_INVALID),
              AllOf(HasSubstr("malbox"), HasSubstr("\"mailbox\"")));
}

TEST_F(Arguments, AnythingButAnObjectIsRefused) {
  EXPECT_THAT(refused(ask("strict", Json::array({1})), AOH_E_INVALID), HasSubstr("array"));
}

TEST_F(Arguments, ValidOnesArriveAndTheAnswerIsAnMcpResult) {
  const CallResult r = engine.call(ask("strict", Json{{"uid", 7}}));
  ASSERT_EQ(r.status, AOH_OK) << r.message;
  EXPECT_EQ(seen["uid"].integer(), 7);
  EXPECT_EQ(flags, AOH_CALL_OPERATOR);
  EXPECT_EQ(r.result["structuredContent"]["n"].integer(), 1);
  EXPECT_EQ(r.result["content"].at(0)["text"].str(), R"({"n":1})");
}

TEST_F(Arguments, AnOnlyCredentialIsTakenAndManyAreNamed) {
  EXPECT_THAT(refused(ask("mail"), AOH_E_INVALID), HasSubstr("credential_id is needed: anna, bert"));
  fake.credentials.erase("bert");
  const CallResult r = engine.call(ask("mail"));
  ASSERT_EQ(r.status, AOH_OK) << r.message;
  EXPECT_EQ(seen["credential_id"].str(), "anna");
  EXPECT_EQ(fake.opened_credential, "anna");
}

TEST_F(Arguments, UnknownCredentialNamesItAndTheNearest) {
  EXPECT_THAT(refused(ask("mail", Json{{"credential_id", "ana"}}), AOH_E_NOT_FOUND),
              AllOf(HasSubstr("\"ana\""), HasSubstr("\"anna\""), HasSubstr("credential list")));
}

TEST_F(Arguments, ACredentialOfAnotherModulesTypeIsRefused) {
  EXPECT_THAT(refused(ask("mail", Json{{"credential_id", "web"}}), AOH_E_INVALID),
              HasSubstr("type \"http\""));
}

TEST_F(Arguments, AnAgentNeedsTheGrant) {
  const Json read = Json{{"anna", Json::array({"read"})}};
  EXPECT_THAT(refused(of_agent(Json{{"credential_id", "anna"}}, read), AOH_E_DENIED), HasSubstr("\"send\""));
  EXPECT_THAT(refused(of_agent(Json{{"credential_id", "bert"}}, read), AOH_E_DENIED), HasSubstr("\"bert\""));
  EXPECT_THAT(refused(of_agent(Json::object(), Json()), AOH_E_INVALID), HasSubstr("granted none"));
}

TEST_F(Arguments, WhatAnAgentIsNotGrantedItDoesNotLearnToExist) {
  const Json grants = Json{{"anna", Json::array({"send"})}};
  const auto there = refused(of_agent(Json{{"credential_id", "bert"}}, grants), AOH_E_DENIED);
  auto absent = refused(of_agent(Json{{"credential_id", "carl"}}, grants), AOH_E_DENIED);
  absent.replace(absent.find("carl"), 4, "bert");
  EXPECT_EQ(there, absent);
}

TEST_F(Arguments, AGrantIncludesTheOnesBeforeItAndTheContextSaysAll) {
  CallRequest r =
      of_agent(Json::object(), Json{{"anna", Json::array({"manage"})}, {"bert", Json::array({"read"})}});
  r.default_credential_id = "anna";
  r.session_id = "s1";
  r.step = "2";
  r.agent_id = "helper";
  r.idempotency_key = "s1:2";
  r.taint = Json::array({"mail"});
  const CallResult answer = engine.call(std::move(r));
  ASSERT_EQ(answer.status, AOH_OK) << answer.message;
  EXPECT_EQ(seen["credential_id"].str(), "anna");
  EXPECT_EQ(flags, 0u);
  EXPECT_EQ(context["session_id"].str(), "s1");
  EXPECT_EQ(context["step"].str(), "2");
  EXPECT_EQ(context["agent_id"].str(), "helper");
  EXPECT_EQ(context["idempotency_key"].str(), "s1:2");
  EXPECT_EQ(context["grants"]["bert"].at(0).str(), "read");
  EXPECT_EQ(context["taint"].at(0).str(), "mail");
  EXPECT_THAT(context["call_id"].str(), HasSubstr("call-"));
}

TEST_F(Arguments, AnAnswerThatBreaksItsSchemaIsABreach) {
  fake.body = [](aoh_call* call, const Json&) {
    succeed(call, Json{{"n", "one"}});
    return AOH_OK;
  };
  const CallResult r = engine.call(ask("strict", Json{{"uid", 1}}));
  EXPECT_EQ(r.status, AOH_E_INTERNAL);
  EXPECT_THAT(r.message, AllOf(HasSubstr("outputSchema"), HasSubstr("/n")));
  EXPECT_TRUE(fake.breached("outputSchema"));
}

TEST_F(Arguments, AFailedToolNeedNotKeepItsSchema) {
  fake.body = [](aoh_call* call, const Json&) {
    finish(call, AOH_OK, R"({"content": [{"type": "text", "text": "no"}], "isError": true})");
    return AOH_OK;
  };
  const CallResult r = engine.call(ask("strict", Json{{"uid", 1}}));
  EXPECT_EQ(r.status, AOH_OK);
  EXPECT_TRUE(r.is_error());
  EXPECT_THAT(fake.breaches(), IsEmpty());
}

TEST_F(Arguments, AnAnswerThatIsTooLongIsCutOffWithoutABreach) {
  fake.body = [](aoh_call* call, const Json&) {
    succeed(call, Json{{"text", std::string(2000, 'x')}});
    return AOH_OK;
  };
  const CallResult r = engine.call(ask("echo"));
  EXPECT_EQ(r.status, AOH_E_INTERNAL);
  EXPECT_THAT(r.message, HasSubstr("1024"));
  EXPECT_THAT(fake.breaches(), IsEmpty());  // a stranger's long mail must not bring a module into quarantine
}

TEST_F(Arguments, BrokenAnswersAreBreaches) {
  const std::pair<aoh_status, std::string> broken[] = {{AOH_OK, "{"}, {AOH_OK, "[]"}, {7, "{}"}};
  for (const auto& [status, json] : broken) {
    FakeModule other;
    CallEngine e(other.ports(), clock);
    other.body = [&](aoh_call* call, const Json&) {
      finish(call, status, json);
      return AOH_OK;
    };
    EXPECT_EQ(e.call(ask("echo")).status, AOH_E_INTERNAL);
    EXPECT_EQ(other.breaches().size(), 1u) << json;
  }
}

TEST_F(Arguments, AStatusCarriesTheModulesWords) {
  fake.body = [](aoh_call* call, const Json&) {
    finish(call, AOH_E_BUSY, R"({"message": "the server\nis full"})");
    return AOH_OK;
  };
  const CallResult r = engine.call(ask("echo"));
  EXPECT_EQ(r.status, AOH_E_BUSY);
  EXPECT_EQ(r.message, "echo: the server is full");
}

TEST_F(Arguments, AModulesOwnRefusalIsOneThatItWasReachedFor) {
  for (const auto status : {AOH_E_INVALID, AOH_E_DENIED, AOH_E_NOT_FOUND}) {
    fake.body = [status](aoh_call* call, const Json&) {
      finish(call, status, R"({"message": "no"})");
      return AOH_OK;
    };
    const CallResult r = engine.call(ask("echo"));
    EXPECT_EQ(r.status, status);
    EXPECT_TRUE(r.reached);
  }
}

TEST_F(Arguments, ACredentialTestGoesToTheModuleOfItsType) {
  const CallResult r = engine.credential_test("anna", CallRequest{});
  ASSERT_EQ(r.status, AOH_OK) << r.message;
  EXPECT_EQ(seen["credential"].str(), "anna");
  EXPECT_EQ(fake.opened_credential, "anna");
  EXPECT_THAT(engine.credential_test("ann", CallRequest{}).message, HasSubstr("\"anna\""));
  EXPECT_THAT(engine.credential_test("web", CallRequest{}).message, HasSubstr("http"));
}

TEST(Output, JsonForProgramsShowsWhatATerminalWouldActOn) {
  const Json value{{"text", "a\u0085b\u202Ec\u200Bd\U000E0041e\u00E9\U0001F600\x7F"},
                   {"plain", "gr\u00FC\u00DFe"}};
  const std::string shown = aoh::host::visible_json(value.dump(true));
  EXPECT_EQ(Json::parse(shown), value) << "the same value";
  for (const char* word : {"\\u0085", "\\u202e", "\\u200b", "\\udb40\\udc41", "\\u007f"})
    EXPECT_NE(shown.find(word), shown.npos) << word;
  EXPECT_NE(shown.find("gr\u00FC\u00DFe"), shown.npos) << "letters stay letters";
  EXPECT_NE(shown.find("\U0001F600"), shown.npos);
}

}  // namespace
