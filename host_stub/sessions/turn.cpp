#include "sessions/turn.hpp"

#include <algorithm>

#include "services/faults.hpp"
#include "sessions/command.hpp"
#include "sessions/step_call.hpp"
#include "support/template.hpp"

namespace aoh::host {
namespace {

struct Stop {
  TurnResult result;
};

/// A template's words about a stranger's mail must not stop the turn: what is absent is null.
tmpl::Options options(bool html) {
  tmpl::Options o;
  o.html = html;
  o.absent_is_null = true;
  if (html) o.safe_paths = {"agent.output_html"};
  return o;
}

bool is_html(std::string_view name) { return name.ends_with("html"); }

/// Renders the fields of an object; nulls are left out, as a tool has no use for them.
Json render_fields(const Json& fields, const Json& scope) {
  Json out = Json::object();
  for (const auto& member : fields.members()) {
    Json value = tmpl::render_all(member.value, scope, options(is_html(member.key)));
    if (!value.is_null()) out.set(member.key, std::move(value));
  }
  return out;
}

bool truthy(const Json& v) {
  if (v.is_string()) return !v.str().empty() && v.str() != "false" && v.str() != "0";
  if (v.is_bool()) return v.boolean();
  if (v.is_number()) return v.number() != 0;
  return v.size() > 0;
}

class Turn {
 public:
  Turn(const Sql& sql, const Ports& ports, const Agent& agent, std::string_view session_id,
       const Input& input, std::stop_token halt)
      : sql_(sql),
        ports_(ports),
        agent_(agent),
        session_(session_id),
        input_(input),
        halt_(std::move(halt)),
        began_(ports.now_ns()) {
    scope_ = Json::object();
    for (const auto& member : input.payload.members()) scope_.set(member.key, member.value);
    scope_.set("trigger", input.payload);
    scope_.set("inputs", input.inputs);
    scope_.set("steps", Json::object());
    scope_.set("session", Json{{"id", session_}, {"input", input.seq}});
    scope_.set("agent", Json::object());
  }

  TurnResult run() {
    try {
      agent_.command.empty() ? script() : program();
      for (const auto& action : input_.on_finish.items()) finish_action(action);
      return {};
    } catch (Stop& stop) {
      return std::move(stop.result);
    } catch (const tmpl::TemplateError& e) {
      return {TurnEnd::failed, e.what(), 0};
    }
  }

 private:
  [[noreturn]] static void stop(TurnEnd end, std::string error, std::int64_t delay_ns = 0) {
    throw Stop{{end, std::move(error), delay_ns}};
  }

  void script() {
    std::int64_t steps = 0, calls = 0;
    for (std::size_t i = 0; i < agent_.steps.size(); ++i) {
      const auto& step = agent_.steps[i];
      if (++steps > agent_.limits.steps)
        stop(TurnEnd::failed, "the limit of " + std::to_string(agent_.limits.steps) + " steps is used up");
      check_time();
      if (!step.condition.empty() && !truthy(tmpl::render(step.condition, scope_, options(false)))) continue;
      const std::string id = std::to_string(input_.seq) + "/" + std::to_string(i);
      if (step.tool.empty()) return end_script(id, step);
      if (++calls > agent_.limits.calls)
        stop(TurnEnd::failed, "the limit of " + std::to_string(agent_.limits.calls) + " calls is used up");
      Json result = call(
          id, "call", step.tool, [&] { return render_fields(step.arguments, scope_); }, grants());
      if (!step.save_as.empty()) {
        // Templates see what programs read; a tool without it is seen as its whole result.
        Json value = result.has("structuredContent") ? result["structuredContent"] : result;
        scope_.slot("steps").set(step.save_as, std::move(value));
      }
    }
  }

  void end_script(const std::string& id, const AgentStep& step) {
    const auto known = find_step(sql_, session_, id);
    Json output = known && known->status == "done" ? known->result : render_fields(step.arguments, scope_);
    if (!known || known->status != "done") {
      sql_.write("session.finish", [&] {
        const auto now = ports_.now_ns();
        start_step(sql_, session_, input_.seq, {id, "finish", "", "", "", Json::object(), {}, 0}, now);
        end_step(sql_, session_, id, "done", output, "", now);
      });
    }
    scope_.set("agent", std::move(output));
  }

  void program() {
    CommandEnd end = run_command(sql_, ports_, agent_, session_, input_, grants(), halt_);
    if (end.result.end != TurnEnd::done) throw Stop{std::move(end.result)};
    scope_.set("agent", std::move(end.output));
    // The time limit was the program's; what the blueprint does with its answer has a limit of its own.
    began_ = ports_.now_ns();
  }

  void finish_action(const Json& action) {
    const auto& name = action["action"].str();
    const std::string id = "on_finish/" + name + "/" + std::to_string(input_.seq);
    if (already_answered(action)) {
      sql_.write("session.skip", [&] {
        if (find_step(sql_, session_, id)) return;
        const auto now = ports_.now_ns();
        start_step(sql_, session_, input_.seq,
                   {id, "on_finish", action["tool"].str(), "", "", action["trigger"], {}, 0}, now);
        end_step(sql_, session_, id, "skipped", {}, "the agent has answered this message itself", now);
      });
      return;
    }
    const auto make = [&] {
      const Json fields = render_fields(action["fields"], scope_);
      Json arguments = Json::object();
      for (const auto& pair : action["arguments"].members()) {
        if (const auto* value = fields.find(pair.value.str())) arguments.set(pair.key, *value);
      }
      for (const auto& pair : action["trigger"].members()) {
        if (!pair.value.is_null()) arguments.set(pair.key, pair.value);
      }
      return arguments;
    };
    // Who wrote the blueprint allowed this: the action's own credential, to send with.
    Json granted = Json::object();
    const auto& credential = action["fields"]["credential_id"].str();
    if (!credential.empty()) granted.set(credential, Json::array({"read", "draft", "send"}));
    call(id, "on_finish", action["tool"].str(), make, granted);
  }

  /// A call of the agent, done, by the same tool to the same message: told by the arguments that point at it,
  /// or its Message-ID.
  bool already_answered(const Json& action) {
    const Json& item =
        input_.payload.members().empty() ? input_.payload : input_.payload.members().front().value;
    for (const auto& step : steps_of(sql_, session_, input_.seq)) {
      if (step.kind != "call" || step.tool != action["tool"].str() || step.status != "done") continue;
      const auto& message_id = step.args["message_id"].str();
      if (!message_id.empty() && message_id == item["message_id"].str()) return true;
      bool same = false, other = false;
      for (const auto& m : action["trigger"].members()) {
        if (!step.args.has(m.key)) continue;
        (step.args[m.key] == m.value ? same : other) = true;
      }
      if (same && !other) return true;
    }
    return false;
  }

  template <class MakeArguments>
  Json call(const std::string& id, const char* kind, const std::string& tool, const MakeArguments& make,
            const Json& granted) {
    const auto known = find_step(sql_, session_, id);
    if (known && known->status == "done") {
      if (known->tool != tool)
        stop(TurnEnd::failed, "step " + id + " was a call of " + known->tool + " and is " + tool +
                                  " now: the agent's file was changed");
      return known->result;
    }
    if (known && known->status == "uncertain") stop(TurnEnd::uncertain, known->error);
    check_time();
    // What was sent once is what is sent again: a started step keeps its arguments.
    const bool again = known && known->tool == tool && known->status == "started";
    Step step{id, kind, tool, "started", "", again ? known->args : make(), {}, 0};
    // The tool said for certain that nothing came of it, and a person wants it again: under the old key the
    // tool could only repeat that answer. Any other failure (a crash within the tool, an answer too large to
    // keep) leaves it open whether something took effect, and the tool must be able to tell.
    if (known) step.tries = known->tries + (plainly_refused(*known) ? 1 : 0);
    sql_.write("session.step", [&] {
      if (known && !again)
        sql_.run("UPDATE ledger SET args=?, tool=? WHERE session_id=? AND step=?", step.args.dump(), tool,
                 session_, id);
      start_step(sql_, session_, input_.seq, step, ports_.now_ns());
    });
    faults::point("session.step", id);
    return judge(id, ports_.call(request_of(
                         sql_, session_, agent_.id, step, granted,
                         std::max<std::int64_t>(1, agent_.limits.time_ns - (ports_.now_ns() - began_)))));
  }

  Json judge(const std::string& id, ToolOutcome outcome) {
    Verdict verdict = verdict_of(outcome);
    if (verdict.end.end == TurnEnd::stopped) throw Stop{std::move(verdict.end)};  // stays 'started'
    record_verdict(sql_, session_, id, verdict, outcome, ports_.now_ns());
    if (verdict.end.end != TurnEnd::done) throw Stop{std::move(verdict.end)};
    return std::move(outcome.result);
  }

  Json grants() const {
    Json out = Json::object();
    for (const auto& [credential, list] : agent_.grants) {
      const auto& id = credential == "$trigger" ? input_.credential_id : credential;
      if (id.empty()) continue;
      Json& slot = out.slot(id);
      if (slot.is_null()) slot = Json::array();
      for (const auto& grant : list) slot.push(grant);
    }
    return out;
  }

  void check_time() const {
    if (ports_.now_ns() - began_ > agent_.limits.time_ns) {
      stop(TurnEnd::failed,
           "the time limit of " + std::to_string(agent_.limits.time_ns / 1'000'000'000) + " s is used up");
    }
  }

  const Sql sql_;
  const Ports& ports_;
  const Agent& agent_;
  const std::string session_;
  const Input& input_;
  const std::stop_token halt_;
  std::int64_t began_;
  Json scope_;
};

}  // namespace

TurnResult run_turn(const Sql& sql, const Ports& ports, const Agent& agent, std::string_view session_id,
                    const Input& input, std::stop_token halt) {
  return Turn(sql, ports, agent, session_id, input, std::move(halt)).run();
}

}  // namespace aoh::host
