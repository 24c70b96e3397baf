// The inside of CallEngine, for its own files.
#pragma once
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "calls/engine.hpp"
#include "calls/open_call.hpp"

namespace aoh::host {

constexpr int kTestsAtOnce = 4;  // credential tests of one type

std::string random_call_id();

/// What threads share with the engine; it outlives the engine while a module still owes a finish().
struct CallEngine::Core : std::enable_shared_from_this<Core> {
  using Ptr = std::shared_ptr<OpenCall>;
  CallPorts ports;
  Clock* clock;
  Options options;

  mutable std::mutex m;
  std::condition_variable work, idle;
  std::deque<Ptr> queue;
  std::map<std::string, Ptr, std::less<>> open;
  std::map<const void*, int> active;  // by tool or credential type
  std::deque<Ptr> ended_calls;
  std::vector<std::thread> threads;
  int waiting_threads = 0;
  bool draining = false, stop = false;
  bool abandoned = false;  // the engine is gone: neither clock nor ports may be used

  static const void* kind(const OpenCall& c) {
    return c.facts().tool ? static_cast<const void*>(c.facts().tool) : c.facts().module;
  }
  static int limit(const OpenCall& c) {
    return c.facts().tool ? std::max(1, c.facts().tool->concurrency) : kTestsAtOnce;
  }

  std::string start(OpenCall::Facts facts, CallRequest& request, Done done);
  std::string start_credential(bool authorize, std::string credential_id, CallRequest& request, Done done);
  void loop();
  void ended(OpenCall& call);
  void deadline_passed(const Ptr& call, std::int64_t allowed_ns);
  bool unqueue(const OpenCall& call);
  void cancel(const Ptr& call);
  void cancel_children(const std::string& id);
  void set_timer(const Ptr& call, std::int64_t allowed_ns);
  CallResult run_work(Work w);
};

}  // namespace aoh::host
