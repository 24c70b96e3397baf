#include "sessions/step_call.hpp"

#include <algorithm>

namespace aoh::host {
namespace {

constexpr std::size_t kMaxStoredResult = 4u << 20;

/// The first words of a tool's answer, for a person.
std::string words_of(const Json& result) {
  for (const auto& item : result["content"].items()) {
    if (item["type"].str() == "text") return std::string(utf8_prefix(item["text"].str(), 500));
  }
  const auto& message = result["structuredContent"]["message"].str();
  return message.empty() ? "the tool answered with an error" : std::string(utf8_prefix(message, 500));
}

bool temporary(const Json& content) { return content.has("retry_after_s") || content["temporary"].boolean(); }

}  // namespace

ToolCall request_of(const Sql& sql, std::string_view session_id, std::string_view agent_id, const Step& step,
                    const Json& grants, std::int64_t time_ns) {
  ToolCall request;
  request.tool = step.tool;
  request.arguments = step.args;
  request.session_id = session_id;
  request.agent_id = agent_id;
  request.step = step.step;
  request.idempotency_key = request.session_id + ":" + step.step;
  if (step.tries > 1) request.idempotency_key += ":" + std::to_string(step.tries);
  request.grants = grants;
  request.taint = session_taint(sql, session_id);
  if (grants.size() == 1) request.default_credential_id = grants.members().front().key;
  request.time_limit_ns = time_ns;
  return request;
}

Verdict verdict_of(ToolOutcome& outcome) {
  TurnResult end;
  std::string status = "done";
  if (outcome.status == AOH_E_CANCELLED || outcome.status == AOH_E_STATE)
    return {{TurnEnd::stopped, "the host is stopping", 0}, "started"};
  const Json& content = outcome.result["structuredContent"];
  if (outcome.status == AOH_OK && outcome.result["isError"].boolean()) {
    end.error = words_of(outcome.result);
    if (content["state"].str() == "uncertain") {
      end.end = TurnEnd::uncertain;
      status = "uncertain";
    } else if (temporary(content)) {
      end.end = TurnEnd::later;
      end.delay_ns = std::clamp<std::int64_t>(content["retry_after_s"].integer(), 0, 86'400) * 1'000'000'000;
      status = "started";  // the same arguments go out again
    } else {
      end.end = TurnEnd::failed;
      status = "failed";
    }
  } else if (outcome.status == AOH_E_BUSY || outcome.status == AOH_E_DEADLINE) {
    end = {TurnEnd::later, outcome.message.empty() ? "the tool was busy or too slow" : outcome.message, 0};
    status = "started";
  } else if (outcome.status != AOH_OK) {
    end = {TurnEnd::failed,
           outcome.message.empty() ? "the call failed with status " + std::to_string(outcome.status)
                                   : outcome.message,
           0};
    status = "failed";
  } else if (outcome.result.dump().size() > kMaxStoredResult) {
    end = {
        TurnEnd::failed,
        "the result is larger than the " + std::to_string(kMaxStoredResult) + " bytes that the ledger keeps",
        0};
    status = "failed";
    // What it would have tainted the session with stays.
    const Json taint = outcome.result.path("_meta.aoh.taint");
    outcome.result = taint.is_null() ? Json() : Json{{"_meta", Json{{"aoh", Json{{"taint", taint}}}}}};
  }
  return {std::move(end), std::move(status)};
}

void record_verdict(const Sql& sql, std::string_view session_id, std::string_view step,
                    const Verdict& verdict, const ToolOutcome& outcome, std::int64_t now_ns) {
  sql.write("session.result", [&] {
    // For good: what a result carries may be in every later argument, whoever writes it.
    if (const Json& taint = outcome.result.path("_meta.aoh.taint"); taint.is_array())
      taint_session(sql, session_id, taint);
    end_step(sql, session_id, step, verdict.status, outcome.result, verdict.end.error, now_ns);
  });
}

bool plainly_refused(const Step& step) {
  return step.status == "failed" && step.result["isError"].boolean() &&
         !temporary(step.result["structuredContent"]);
}

}  // namespace aoh::host
