// The inside of command.hpp, for its own files: command.cpp runs the turn and its calls, command_io.cpp reads
// and writes.
#pragma once
#include <atomic>
#include <chrono>
#include <deque>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "mcp/server.hpp"
#include "sessions/command.hpp"
#include "sessions/process.hpp"
#include "sessions/session_calls.hpp"

namespace aoh::host {

/// Bytes that the agent has not read; beyond it nothing new is read or done for it.
inline constexpr std::size_t kUnread = 1u << 20;

/// A call at work on a thread of its own.
struct Working {
  std::string key;
  std::stop_source cancel;
  CallEnd end;
  std::exception_ptr error;
  std::thread thread;
};

/// One turn of a program. One thread, but for the call at work.
class CommandRun {
 public:
  CommandRun(const Sql& sql, const Ports& ports, const Agent& agent, std::string_view session_id,
             const Input& input, const Json& grants)
      : ports_(ports),
        agent_(agent),
        session_(session_id),
        calls_(sql, ports, session_id, agent.id, input, grants),
        input_(input),
        grants_(grants),
        deadline_(std::chrono::steady_clock::now() + std::chrono::nanoseconds(agent.limits.time_ns)) {}
  ~CommandRun() { join(); }
  CommandRun(const CommandRun&) = delete;
  CommandRun& operator=(const CommandRun&) = delete;

  CommandEnd run(const std::stop_token& halt);

 private:
  std::int64_t time_left_ns() const {
    return std::max<std::int64_t>(
        1, std::chrono::nanoseconds(deadline_ - std::chrono::steady_clock::now()).count());
  }
  void end(TurnEnd how, std::string why) {
    if (!over_) over_ = TurnResult{how, std::move(why), 0};
  }
  void fail(std::string why) { end(TurnEnd::failed, std::move(why)); }
  void wake() const;
  void loop(const std::stop_token& halt);
  void look_at_time();
  void wait();
  void read_output();
  void read_errors();
  void take_lines();
  void take(const mcp::Reaction& reaction);
  void send(std::string_view line);
  void write_input();
  void start_call();
  void collect();
  void join();
  void finish(const mcp::Call& call);
  void process_ended(const ProcessEnd& how);
  std::string last_words() const;

  const Ports& ports_;
  const Agent& agent_;
  const std::string session_;
  SessionCalls calls_;
  const Input& input_;
  const Json grants_;
  const std::chrono::steady_clock::time_point deadline_;
  std::vector<OfferedTool> tools_;
  std::optional<mcp::Server> server_;
  std::optional<Process> process_;
  Fd bell_;  // an eventfd: a call has ended, or the host stops
  std::atomic<bool> call_done_{false};

  std::optional<TurnResult> over_;  // the turn's end, once it is known
  std::optional<Json> finished_;    // what session_finish said
  std::optional<ProcessEnd> gone_;
  std::optional<std::chrono::steady_clock::time_point> last_chance_;  // until when its end is waited for
  std::string line_;                                                  // what is not taken yet
  std::size_t looked_at_ = 0;                                         // of line_: no line ends there
  std::string unsent_;
  std::string errors_;       // the end of standard error
  bool errors_cut_ = false;  // there was more before it
  std::deque<mcp::Call> queue_;
  std::optional<Working> working_;
  std::int64_t steps_ = 0, made_ = 0, refused_ = 0, tokens_ = 0, bytes_ = 0;
};

}  // namespace aoh::host
