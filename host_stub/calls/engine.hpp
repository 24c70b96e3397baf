// Tool calls: arguments checked, credential and grants settled, run on a bounded pool, answered at the latest
// at the deadline, results checked. Every call of the host goes through here, whoever asks: a person, an
// agent's step, a finish action.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aoh/module.h"
#include "loader/registry.hpp"
#include "services/clock.hpp"
#include "support/json.hpp"

namespace aoh::host {

/// What is asked for.
struct CallRequest {
  std::string tool;
  Json arguments = Json::object();
  std::string session_id, step, agent_id;
  std::string idempotency_key;  ///< the same at every repetition of one intention
  Json grants;  ///< {credential: ["read", "draft", "send", "manage"]}; each includes the ones before it
  std::string default_credential_id;  ///< taken where the arguments name none
  bool from_operator = false;         ///< a person at the command line: every credential is granted
  bool send_to_self = false;          ///< of a credential test
  Json taint;                         ///< array of sources that the caller's words come from; null: none
  std::optional<std::int64_t>
      deadline_ns;  ///< monotonic, by the engine's clock; absent: the tool's aoh.timeout_ms from now
  /// done, total (<= 0: unknown), message. Calls do not overlap, `done` only grows, none comes after the
  /// answer. Must not block, and must not wait for the call's end.
  std::function<void(double done, double total, std::string_view message)> progress;
};

/// How it ended. A tool whose work failed has status AOH_OK and result["isError"] true.
struct CallResult {
  aoh_status status = AOH_OK;
  Json result;          ///< with AOH_OK the body of an MCP tool result, "content" included
  std::string message;  ///< otherwise one line for a person: what failed, and what to do
  bool reached = true;  ///< false: start() refused the request, and no module can have heard of it
  bool is_error() const { return status != AOH_OK || result["isError"].boolean(); }
};

/// What the engine needs of the host. Functions may be called from any thread; unset ones are skipped.
struct CallPorts {
  std::function<Registry::ToolRef(std::string_view name)> tool;
  std::function<std::vector<std::string>()> tool_names;
  std::function<Registry::CredentialTypeRef(std::string_view type)> credential_type;
  /// The type of a credential on record; empty when there is none of that id.
  std::function<std::optional<std::string>(std::string_view credential_id)> type_of_credential;
  std::function<std::vector<std::string>()> credential_ids;
  /// Around a call's life at the module: between the two the vault hands out `credential_id`'s secrets (none
  /// when it is empty) to that module on the call's behalf, and blobs belong to `session_id`. A person at the
  /// command line (`from_operator`) may have it read any blob.
  std::function<void(std::string_view call_id, const Module& module, std::string_view session_id,
                     std::string_view credential_id, bool from_operator)>
      opened;
  std::function<void(std::string_view call_id)> closed;
  std::function<void(std::int32_t level, std::string_view message, const Json& fields)>
      log;  ///< level: AOH_LOG_*

  /// The first three out of a registry, which must outlive the engine.
  static CallPorts of(const Registry& registry);
};

/// Thread-safe. The clock must outlive it.
class CallEngine {
 public:
  struct Options {
    int threads = 8;           ///< started when they are needed
    std::size_t queue = 1000;  ///< calls that wait for a thread; beyond it AOH_E_BUSY
    std::int64_t credential_test_ns = 120'000'000'000;  ///< default deadline of credential_test
    std::int64_t authorize_ns = 600'000'000'000;        ///< and of credential_authorize: a person is at work
  };
  using Done = std::function<void(CallResult)>;

  CallEngine(CallPorts ports, Clock& clock);
  CallEngine(CallPorts ports, Clock& clock, Options options);
  /// drain() first; threads still inside a module are left behind with what they need.
  ~CallEngine();
  CallEngine(const CallEngine&) = delete;
  CallEngine& operator=(const CallEngine&) = delete;

  /// Starts a call; `done` comes exactly once, from any thread, before this returns when the request itself
  /// is wrong; it must not block. Returns the call's id. Past the deadline `done` gets AOH_E_DEADLINE, and
  /// the module stays pinned until it finishes. A call that was cancelled while it waited gets
  /// AOH_E_CANCELLED; one at work gets what the module makes of it.
  std::string start(CallRequest request, Done done);
  /// The same, waiting for the answer.
  CallResult call(CallRequest request);
  /// The caller gives up; advisory for the module. False when the call has ended or is not known.
  bool cancel(std::string_view call_id);
  /// False when no call of the tool could pass with these grants; true for one that touches no account.
  bool covered(const Registry::ToolRef& tool, const Json& grants) const;
  /// Asks the module of the credential's type to try it, step by step; `request.tool` and arguments are
  /// ignored.
  std::string start_credential_test(std::string credential_id, CallRequest request, Done done);
  CallResult credential_test(std::string credential_id, CallRequest request);
  /// Asks the module of a credential type to complete a record that is not stored yet (extensions/setup.h);
  /// AOH_E_UNSUPPORTED when it does not do that.
  std::string start_setup(std::string type, const Json& setup, CallRequest request, Done done);
  /// Asks it to sign a person in; what he is to do comes as progress.
  std::string start_credential_authorize(std::string credential_id, CallRequest request, Done done);

  /// Other work of a module that ends as a call does, in this thread, beside the pool: who waits for it holds
  /// one of the pool's threads already.
  struct Work {
    Module* module = nullptr;
    std::string what;
    std::string parent;  ///< a call whose deadline and cancellation are this one's, too; empty: none
    std::int64_t limit_ns = INT64_MAX;  ///< from now
    /// In place of invoke(). The call's id is in its context. Kept until well after the end.
    std::function<aoh_status(aoh_instance*, aoh_call*)> run;
    std::function<void(const std::string& call_id)> opened, closed;  ///< around its life at the module
  };
  CallResult work(Work work);

  /// No new calls from now on (AOH_E_STATE); what runs is cancelled. True once every call has been finished
  /// by its module; false at the deadline, with those callers answered AOH_E_CANCELLED.
  bool drain(std::chrono::steady_clock::time_point deadline);
  /// Calls not yet finished by their modules, waiting ones included.
  std::size_t open_calls() const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace aoh::host
