// What a program is given: its tools, its input as a resource, its environment; and how it ends.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "mcp/server.hpp"
#include "sessions/agent.hpp"
#include "sessions/ports.hpp"
#include "sessions/session_store.hpp"

namespace aoh::host {

inline constexpr std::string_view kFinishTool = "session_finish";

/// Of the tools that the grants cover: those that the agent's file names; without such a list those that work
/// with a credential, and of the others those that only read. `wrong`: what cannot be had, for a person.
std::vector<OfferedTool> granted_tools(std::vector<OfferedTool> covered, const Agent& agent,
                                       std::string& wrong);

mcp::Offer offer_of(const std::vector<OfferedTool>& tools, std::string_view session_id, const Agent& agent,
                    const Input& input, const Json& grants, Json done_before);

/// What is wrong with the arguments of session_finish; empty: nothing.
std::string problems_of_finish(const Json& arguments);

/// The body of an MCP tool result.
Json text_result(std::string_view text, bool is_error);

/// PATH, HOME, TZ and TMPDIR of the host, LANG=C.UTF-8, AOH_SESSION, and what the agent's file says.
std::vector<std::string> environment_of(const Agent& agent, std::string_view session_id);

/// `text` from `from` on without any byte of the values of the variables that are passed on, which may be
/// keys to other services. What is before `from` is only looked at: a value may begin there.
std::string without_passed(std::string_view text, const Agent& agent, std::size_t from = 0);

/// Bytes of the longest of those values.
std::size_t longest_passed(const Agent& agent);

}  // namespace aoh::host
