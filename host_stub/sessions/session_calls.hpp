// The calls that a program makes in one turn, each through the ledger: step "<input>/<n>", key
// "<session>:<step>".
//
// A program that was interrupted (a crash of the host, a stop, a failed turn that a person retries) starts
// anew, and cannot be put back to where it was. What holds then: what was begun and not finished is finished
// first, with the same arguments and key (finish_open). A call equal in tool and arguments to one that was
// done before is answered from the ledger, once for each, and not made again. And a tool that sends something
// out of the house is not called with other arguments while an earlier call of it has not been taken up in
// this way, or has failed in this run with its effect open: so a program that words its mail anew does not
// send it twice.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "sessions/ports.hpp"
#include "sessions/session_store.hpp"
#include "sessions/turn_end.hpp"

namespace aoh::host {

/// How a call ended, as the program sees it and as the turn does.
struct CallEnd {
  Json result;                  ///< the body of an MCP tool result
  TurnResult turn;              ///< done: the turn goes on
  bool denied = false;          ///< refused since the agent is not granted it
  std::string denied_why = {};  ///< in a line
};

/// One call at a time; refuse() and done_before() at any time; from any thread. Throws StoreError.
class SessionCalls {
 public:
  /// References must outlive it.
  SessionCalls(const Sql& sql, const Ports& ports, std::string_view session_id, std::string_view agent_id,
               const Input& input, Json grants);

  /// Finishes what an earlier run of this turn left open; anything but done: the turn ends with it.
  TurnResult finish_open(const std::function<std::int64_t()>& time_left_ns);
  /// `egress`: the tool sends something out of the house.
  CallEnd call(const std::string& tool, const Json& arguments, bool egress, std::int64_t time_left_ns,
               const std::stop_token& cancelled);
  /// A call that the agent has no grant for goes on record, not to the tool.
  void refuse(const std::string& tool, const std::string& why);
  /// What earlier runs did, for the program to read: [{step, tool, arguments, status, result or error}].
  Json done_before() const;

 private:
  CallEnd make(Step step, std::int64_t time_left_ns, const std::stop_token& cancelled);
  const Step* in_the_way(const std::string& tool) const;
  std::string next_step();

  const Sql& sql_;
  const Ports& ports_;
  const std::string session_, agent_;
  const std::int64_t seq_;
  const Json grants_;
  struct Before {
    Step step;
    bool taken_up = false;
  };
  std::vector<Before> before_;  // calls of earlier runs, in their order
  std::vector<Step> open_;      // of this run: ended, but perhaps not without effect
  std::atomic<std::int64_t> next_ = 0;
};

}  // namespace aoh::host
