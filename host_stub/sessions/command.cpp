#include "sessions/command.hpp"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "sessions/command_offer.hpp"
#include "sessions/command_run.hpp"

namespace aoh::host {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kFarewell{10};  // from session_finish to the program's end

/// Why no process could be made: a machine that is short of something will not be for ever; what is missing,
/// forbidden or too large stays so until a person has changed it.
TurnResult not_started(const std::system_error& e, const std::string& guard) {
  const std::string what = std::string("the agent cannot be started: ") + e.what();
  switch (e.code().value()) {
    case EAGAIN:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
      return {TurnEnd::later, what, 0};
    case E2BIG:
      return {TurnEnd::failed,
              what + "; shorten `command` and `environment` in the agent's file, or a variable in `pass`", 0};
    default:
      return {
          TurnEnd::failed,
          what + "; " + guard + " has to be there and to be executable, and the agent's folder to be there",
          0};
  }
}

}  // namespace

CommandEnd CommandRun::run(const std::stop_token& halt) {
  if (ports_.agent_guard.empty())
    return {{TurnEnd::failed, "this host has no agent-guard, which starts agents of type command", 0}, {}};
  if (TurnResult open = calls_.finish_open([this] { return time_left_ns(); }); open.end != TurnEnd::done)
    return {std::move(open), {}};
  if (ports_.tools) tools_ = ports_.tools(grants_);
  std::string wrong;
  tools_ = granted_tools(std::move(tools_), agent_, wrong);
  if (!wrong.empty()) return {{TurnEnd::failed, std::move(wrong), 0}, {}};
  server_.emplace(offer_of(tools_, session_, agent_, input_, grants_, calls_.done_before()));
  bell_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  try {
    if (!bell_) throw std::system_error(errno, std::generic_category(), "an eventfd");
    process_.emplace(Program{ports_.agent_guard, agent_.command, agent_.folder.empty() ? "/" : agent_.folder,
                             environment_of(agent_, session_)});
  } catch (const std::system_error& e) {
    return {not_started(e, ports_.agent_guard.string()), {}};
  }
  const std::stop_callback on_halt(halt, [this] { wake(); });
  loop(halt);
  // Where the host stops, the engine cancels the call, and its step stays begun.
  if (working_ && over_->end != TurnEnd::stopped) working_->cancel.request_stop();
  process_->stop();
  if (working_) {
    working_->thread.join();
    collect();
  }
  if (over_->end == TurnEnd::done) return {{}, std::move(*finished_)};
  return {std::move(*over_), {}};
}

void CommandRun::loop(const std::stop_token& halt) {
  while (!over_) {
    if (halt.stop_requested())
      return finished_ ? end(TurnEnd::done, "") : end(TurnEnd::stopped, "the host is stopping");
    look_at_time();
    take_lines();
    collect();
    start_call();
    if (finished_) write_input();
    if (over_) return;
    // What it wrote before its end counts still.
    if (gone_ && !process_->output && queue_.empty() && !working_) {
      if (finished_) return end(TurnEnd::done, "");
      return fail((line_.empty() ? "the program ended without session_finish"
                                 : "the program ended within a line, which is broken JSON") +
                  last_words());
    }
    wait();
  }
}

void CommandRun::look_at_time() {
  const auto now = Clock::now();
  if (last_chance_ && now >= *last_chance_) {
    if (gone_) {  // somebody else holds its output: what they write is not its word
      process_->output.reset();
      return last_chance_.reset();
    }
    if (finished_) return end(TurnEnd::done, "");
    fail("the program closed its output without session_finish, and goes on" + last_words());
  }
  if (now >= deadline_ && !finished_)
    fail("the time limit of " + std::to_string(agent_.limits.time_ns / 1'000'000'000) + " s is used up" +
         last_words());
}

void CommandRun::start_call() {
  while (!over_ && !working_ && !queue_.empty() && unsent_.size() < kUnread) {
    const mcp::Call call = std::move(queue_.front());
    queue_.pop_front();
    if (finished_) {
      send(server_->fail(call.key, mcp::kInvalidRequest, "the session is finished"));
      continue;
    }
    if (call.tool == kFinishTool) {
      finish(call);
      continue;
    }
    if (++made_ > agent_.limits.calls)
      return fail("the limit of " + std::to_string(agent_.limits.calls) + " calls (limits.calls) is used up");
    const auto tool = std::find_if(tools_.begin(), tools_.end(),
                                   [&](const OfferedTool& t) { return t.mcp["name"].str() == call.tool; });
    const bool egress = tool != tools_.end() && tool->egress;
    Working& w = working_.emplace();
    w.key = call.key;
    w.thread = std::thread([this, &w, call, egress] {
      try {
        w.end = calls_.call(call.tool, call.arguments, egress, time_left_ns(), w.cancel.get_token());
      } catch (...) {
        w.error = std::current_exception();
      }
      call_done_ = true;
      wake();
    });
  }
}

void CommandRun::collect() {
  if (!working_ || !call_done_.exchange(false)) return;
  if (working_->thread.joinable()) working_->thread.join();
  Working done = std::move(*working_);
  working_.reset();
  if (done.error) std::rethrow_exception(done.error);
  if (done.end.turn.end != TurnEnd::done) {
    over_ = std::move(done.end.turn);  // it knows best, also where the turn has failed meanwhile
    return;
  }
  if (over_) return;
  if (!done.end.result["content"].is_array()) done.end.result.set("content", Json::array());
  send(server_->answer(done.key, std::move(done.end.result)));
  if (done.end.denied && ++refused_ > agent_.limits.refusals) {
    write_input();
    fail("the program called what it has no grant for: " + done.end.denied_why);
  }
}

void CommandRun::join() {
  if (!working_ || !working_->thread.joinable()) return;
  working_->cancel.request_stop();
  working_->thread.join();
}

void CommandRun::finish(const mcp::Call& call) {
  const std::string problems = problems_of_finish(call.arguments);
  if (!problems.empty()) {
    send(server_->answer(call.key, text_result("session_finish: " + problems, true)));
    return;
  }
  tokens_ = std::max(tokens_, call.arguments["tokens"].integer());
  if (tokens_ > agent_.limits.tokens)
    return fail("the program reports " + std::to_string(tokens_) + " tokens; its limit (limits.tokens) is " +
                std::to_string(agent_.limits.tokens));
  finished_ = call.arguments;
  finished_->set_if(tokens_ > 0, "tokens", tokens_);
  send(server_->answer(call.key, text_result("The session is finished; end now.", false)));
  if (!gone_) last_chance_ = Clock::now() + kFarewell;
}

CommandEnd run_command(const Sql& sql, const Ports& ports, const Agent& agent, std::string_view session_id,
                       const Input& input, const Json& grants, const std::stop_token& halt) {
  // A turn that was interrupted after its program had ended goes on after it.
  const std::string step = std::to_string(input.seq) + "/finish";
  if (auto known = find_step(sql, session_id, step); known && known->status == "done")
    return {{}, std::move(known->result)};
  CommandEnd end = CommandRun(sql, ports, agent, session_id, input, grants).run(halt);
  if (end.result.end == TurnEnd::done)
    sql.write("session.finish", [&] {
      const auto now = ports.now_ns();
      start_step(sql, session_id, input.seq, {step, "finish", "", "", "", Json::object(), {}, 0}, now);
      end_step(sql, session_id, step, "done", end.output, "", now);
    });
  return end;
}

}  // namespace aoh::host
