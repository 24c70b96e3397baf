#include "sessions/session_calls.hpp"

#include <algorithm>
#include <charconv>

#include "services/faults.hpp"
#include "sessions/command_offer.hpp"
#include "sessions/step_call.hpp"

namespace aoh::host {
namespace {

constexpr std::size_t kShownResult = 64u << 10;

bool same_call(const Step& step, const std::string& tool, const Json& arguments) {
  return step.tool == tool && step.args == arguments;
}

/// It failed in a way that leaves open what took effect, so a repetition has the same key.
bool is_open(const Step& step) { return step.status == "failed" && !plainly_refused(step); }

}  // namespace

SessionCalls::SessionCalls(const Sql& sql, const Ports& ports, std::string_view session_id,
                           std::string_view agent_id, const Input& input, Json grants)
    : sql_(sql),
      ports_(ports),
      session_(session_id),
      agent_(agent_id),
      seq_(input.seq),
      grants_(std::move(grants)) {
  for (auto& step : steps_of(sql_, session_, seq_)) {
    if (step.kind != "call") continue;
    std::int64_t n = 0;
    const std::string& id = step.step;
    std::from_chars(id.data() + std::min(id.size(), id.find('/') + 1), id.data() + id.size(), n);
    next_ = std::max<std::int64_t>(next_, n + 1);
    before_.push_back({std::move(step)});
  }
}

std::string SessionCalls::next_step() { return std::to_string(seq_) + "/" + std::to_string(next_++); }

TurnResult SessionCalls::finish_open(const std::function<std::int64_t()>& time_left_ns) {
  for (auto& [step, taken_up] : before_) {
    if (step.status == "uncertain") return {TurnEnd::uncertain, step.error, 0};
    if (step.status != "started") continue;
    sql_.write("session.step", [&] { start_step(sql_, session_, seq_, step, ports_.now_ns()); });
    faults::point("session.step", step.step);
    ToolOutcome outcome = ports_.call(request_of(sql_, session_, agent_, step, grants_, time_left_ns()));
    const Verdict verdict = verdict_of(outcome);
    if (verdict.end.end == TurnEnd::stopped) return verdict.end;
    record_verdict(sql_, session_, step.step, verdict, outcome, ports_.now_ns());
    step.status = verdict.status;
    step.result = outcome.result;
    step.error = verdict.end.error;
    if (verdict.end.end == TurnEnd::later || verdict.end.end == TurnEnd::uncertain) return verdict.end;
  }
  return {};
}

Json SessionCalls::done_before() const {
  Json all = Json::array();
  for (const auto& [step, taken_up] : before_) {
    Json entry{{"step", step.step}, {"tool", step.tool}, {"arguments", step.args}, {"status", step.status}};
    entry.set_if(!step.error.empty(), "error", step.error);
    if (step.status == "done") {
      const bool small = step.result.dump().size() <= kShownResult;
      entry.set(small ? "result" : "note",
                small ? step.result : Json("its result is large: the same call again answers with it"));
    }
    all.push(std::move(entry));
  }
  return all;
}

CallEnd SessionCalls::call(const std::string& tool, const Json& arguments, bool egress,
                           std::int64_t time_left_ns, const std::stop_token& cancelled) {
  for (auto& [step, taken_up] : before_) {
    if (taken_up || !same_call(step, tool, arguments)) continue;
    if (step.status == "done") {
      taken_up = true;
      return {step.result, {}};
    }
    if (is_open(step)) {
      taken_up = true;
      return make(step, time_left_ns, cancelled);
    }
  }
  for (std::size_t i = 0; i < open_.size(); ++i) {
    if (!same_call(open_[i], tool, arguments)) continue;
    const Step step = open_[i];
    open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(i));
    return make(step, time_left_ns, cancelled);
  }
  if (const Step* other = egress ? in_the_way(tool) : nullptr)
    return {
        text_result(
            tool + ": the session's step " + other->step +
                " called this tool with other arguments, and what that may have sent is not sent twice in "
                "other words. Call it with exactly those arguments first: " +
                std::string(utf8_prefix(other->args.dump(), 4000)) +
                " (what was done before an interruption stands in the session's input, under done_before, "
                "and is answered from the record). After that it can be called anew",
            true),
        {}};
  return make({next_step(), "call", tool, "started", "", arguments, {}, 0}, time_left_ns, cancelled);
}

const Step* SessionCalls::in_the_way(const std::string& tool) const {
  for (const auto& [step, taken_up] : before_)
    if (!taken_up && step.tool == tool && (step.status == "done" || is_open(step))) return &step;
  for (const Step& step : open_)
    if (step.tool == tool) return &step;
  return nullptr;
}

CallEnd SessionCalls::make(Step step, std::int64_t time_left_ns, const std::stop_token& cancelled) {
  const bool again = is_open(step);
  sql_.write("session.step", [&] { start_step(sql_, session_, seq_, step, ports_.now_ns()); });
  faults::point("session.step", step.step);
  ToolCall request = request_of(sql_, session_, agent_, step, grants_, time_left_ns);
  request.cancelled = cancelled;
  ToolOutcome outcome = ports_.call(request);
  if (outcome.status == AOH_E_CANCELLED && cancelled.stop_requested())
    outcome = {AOH_E_INTERNAL, {}, "the agent gave the call up"};
  const bool denied = outcome.status == AOH_E_DENIED;
  // Refused before the tool was reached, now and ever: nothing took effect. The tool's own word of that kind
  // leaves it open.
  if (!outcome.reached && !again &&
      (denied || outcome.status == AOH_E_INVALID || outcome.status == AOH_E_NOT_FOUND))
    outcome = {AOH_OK, text_result(outcome.message, true), ""};
  Verdict verdict = verdict_of(outcome);
  if (verdict.end.end == TurnEnd::stopped) return {{}, verdict.end};
  // The program hears of it and decides; a repetition that it makes has the same key.
  if (verdict.end.end == TurnEnd::later) verdict.status = "failed";
  record_verdict(sql_, session_, step.step, verdict, outcome, ports_.now_ns());
  if (verdict.end.end == TurnEnd::uncertain) return {{}, verdict.end};
  step.status = verdict.status;
  step.result = outcome.result;
  if (is_open(step)) open_.push_back(step);
  CallEnd end;
  end.result = outcome.result["content"].is_array() || verdict.status == "done"
                   ? std::move(outcome.result)
                   : text_result(step.tool + ": " + verdict.end.error, true);
  end.denied = denied;
  if (denied) end.denied_why = verdict.end.error;
  return end;
}

void SessionCalls::refuse(const std::string& tool, const std::string& why) {
  const Step step{next_step(), "call", tool, "started", "", Json::object(), {}, 0};
  sql_.write("session.refused", [&] {
    const auto now = ports_.now_ns();
    start_step(sql_, session_, seq_, step, now);
    end_step(sql_, session_, step.step, "failed", text_result(why, true), why, now);
  });
}

}  // namespace aoh::host
