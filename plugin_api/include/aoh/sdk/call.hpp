// One tool call as a module's author sees it.
#pragma once
#include <functional>
#include <string_view>

#include "aoh/sdk/text.hpp"

namespace aoh {
inline namespace sdk_0_1 {

/// Borrowed for the length of the tool function. Its methods may be called from any thread until that
/// function returns.
class Call {
 public:
  explicit Call(aoh_call* c) : c_(c), context_(parse(c->context_json)) {}
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /// True once the caller gave up: stop soon, answer Result::cancelled().
  bool cancelled() const { return c_->cancelled(c_) != 0; }
  /// `fn` runs at most once, from any thread, when the call is cancelled; it must not block.
  void on_cancel(std::function<void()> fn) {
    on_cancel_ = std::move(fn);
    c_->on_cancel(c_, &Call::run_cancel, this);
  }
  /// `done` only grows; `total` <= 0 means unknown.
  void progress(double done, double total, std::string_view message) {
    c_->progress(c_, done, total, st(message));
  }
  /// Monotonic nanoseconds; INT64_MAX: none.
  std::int64_t deadline_ns() const { return c_->deadline_ns; }
  /// True when a person at the command line asks, not an agent.
  bool from_operator() const { return (c_->flags & AOH_CALL_OPERATOR) != 0; }
  /// call_id, session_id, step, agent_id, idempotency_key, grants, default_credential_id, taint (module.h).
  const Json& context() const { return context_; }
  const std::string& id() const { return context_["call_id"].str(); }

 private:
  static Json parse(aoh_str s) {
    try {
      return s.len ? Json::parse(sv(s)) : Json::object();
    } catch (const JsonError&) {
      return Json::object();  // a host that breaks the rule gets a call without context, which is granted
                              // nothing
    }
  }
  static void run_cancel(void* self) noexcept {
    try {
      static_cast<Call*>(self)->on_cancel_();
    } catch (...) {  // advisory: the tool sees cancelled() all the same
    }
  }
  aoh_call* c_;
  Json context_;
  std::function<void()> on_cancel_;
};

}  // namespace sdk_0_1
}  // namespace aoh
