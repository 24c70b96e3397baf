// Agent files: what is read, what is refused and where.
#include "sessions/agent.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

namespace aoh::host {
namespace {

using testing::HasSubstr;

std::string error_of(std::string_view text) {
  try {
    parse_agent(text, "a.yaml");
  } catch (const DocumentError& e) {
    return e.what();
  }
  return "no error";
}

TEST(Agent, TheShippedOneLoads) {
  const AgentDirectory agents(
      {std::filesystem::path(std::getenv("MAILROOM_SOURCE_DIR")) / "manifests/agents"});
  const auto agent = agents.load("quote-assistant");
  ASSERT_EQ(agent.steps.size(), 2u);
  EXPECT_EQ(agent.steps[0].tool, "email_fetch");
  EXPECT_EQ(agent.grants.at("$trigger"), std::vector<std::string>{"read"});
  EXPECT_EQ(agent.limits.time_ns, 60'000'000'000);
  EXPECT_FALSE(agents.exists("nobody"));
  EXPECT_FALSE(agents.exists("../agents/quote-assistant"));
  try {
    agents.load("nobody");
    ADD_FAILURE();
  } catch (const DocumentError& e) {
    EXPECT_THAT(e.what(), HasSubstr("no agent \"nobody\": there is no nobody.yaml in /"));
  }
}

TEST(Agent, MistakesAreNamedWithPlaceAndCure) {
  EXPECT_THAT(error_of("agent_id: a\ntype: script\nsteps:\n  - cal: x\n"), HasSubstr("a.yaml:4:"));
  EXPECT_THAT(error_of("agent_id: a\ntype: scirpt\nsteps: [{finish: {}}]"),
              HasSubstr("a.yaml:2:7: type must be one of script, command"));
  EXPECT_THAT(error_of("agent_id: a\ntype: script\nsteps: []"), HasSubstr("steps is missing"));
  EXPECT_THAT(error_of("agent_id: a\ntype: script\nsteps: [{call: x, finish: {}}]"),
              HasSubstr("either `call` or `finish`"));
  EXPECT_THAT(error_of("agent_id: a\ntype: script\ngrants: {c: [admin]}\nsteps: [{finish: {}}]"),
              HasSubstr("a.yaml:3:14: a grant is one of"));
  EXPECT_THAT(error_of("agent_id: a\ntype: script\nlimits: {calls: -1}\nsteps: [{finish: {}}]"),
              HasSubstr("limits.calls must be a whole number"));
  EXPECT_THAT(error_of("agent_id: a\ntype: script\nsteps: [{finish: {output_txt: x}}]"),
              HasSubstr("did you mean \"output_text\"?"));
  EXPECT_THAT(error_of("[1]"), HasSubstr("an agent is a map"));
  EXPECT_EQ(error_of("agent_id: a\ntype: script\nsteps: [{call: x, if: \"{{ inputs.y }}\", save_as: z}, "
                     "{finish: {output_text: done}}]"),
            "no error");
}

}  // namespace
}  // namespace aoh::host
