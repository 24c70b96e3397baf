// A module that lives in the test: each tool is a function of the test, handed the bare aoh_call.
#pragma once
#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "calls/engine.hpp"

namespace aoh::host::test {

using Body = std::function<aoh_status(aoh_call*, const Json& arguments)>;

/// "demo" with the tools echo (anything), strict (a schema in and out), mail (credential_id, grant send), one
/// (concurrency 1). Every tool runs `body`. One at a time in a process.
class FakeModule {
 public:
  FakeModule();
  ~FakeModule();
  FakeModule(const FakeModule&) = delete;
  FakeModule& operator=(const FakeModule&) = delete;

  CallPorts ports();
  Module& module() { return *module_; }
  std::vector<std::string> breaches() const;
  bool breached(std::string_view words) const;

  Body body;
  std::map<std::string, std::string> credentials{
      {"anna", "mail"}, {"bert", "mail"}, {"web", "http"}};  // id, type
  std::vector<std::string> opened, closed;                   // call ids, guarded by m
  std::string opened_credential;
  mutable std::mutex m;

 private:
  std::vector<std::string> breaches_;
  std::unique_ptr<Module> module_;
};

/// finish() with an MCP result whose structuredContent is this.
void succeed(aoh_call* call, const Json& structured);
void finish(aoh_call* call, aoh_status status, const std::string& json = {});

/// The answer of an asynchronous call.
struct Answer {
  std::shared_ptr<std::promise<CallResult>> promise = std::make_shared<std::promise<CallResult>>();
  std::future<CallResult> future = promise->get_future();
  CallEngine::Done done() {
    return [p = promise](CallResult r) { p->set_value(std::move(r)); };
  }
  bool there(std::chrono::milliseconds wait = std::chrono::milliseconds(0)) {
    return future.wait_for(wait) == std::future_status::ready;
  }
  CallResult get() { return future.get(); }
};

/// A gate that a tool waits at.
class Gate {
 public:
  void open();
  void wait();
  /// Until `n` have arrived at wait(); false after 10 s.
  bool arrived(int n);

 private:
  std::mutex m_;
  std::condition_variable changed_;
  bool open_ = false;
  int arrived_ = 0;
};

CallRequest ask(std::string tool, Json arguments = Json::object());

}  // namespace aoh::host::test
