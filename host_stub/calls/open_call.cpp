#include "calls/open_call.hpp"

#include <cmath>

#include "calls/check.hpp"
#include "services/faults.hpp"

namespace aoh::host {

OpenCall::OpenCall(Facts facts, Done done, Progress progress, std::function<void(OpenCall&)> ended)
    : facts_(std::move(facts)),
      handle_{{sizeof(aoh_call), facts_.from_operator ? std::uint32_t{AOH_CALL_OPERATOR} : 0u,
               facts_.deadline_ns, borrow(facts_.context), aoh_str{nullptr, 0}, &OpenCall::is_cancelled,
               &OpenCall::on_cancel, &OpenCall::on_progress, &OpenCall::on_finish},
              this},
      ended_(std::move(ended)),
      done_(std::move(done)),
      progress_(std::move(progress)) {}

OpenCall& OpenCall::of(const aoh_call* c) { return *reinterpret_cast<const Handle*>(c)->self; }
int OpenCall::is_cancelled(const aoh_call* c) { return of(c).cancelled_ ? 1 : 0; }
void OpenCall::on_cancel(aoh_call* c, void (*fn)(void*), void* arg) { of(c).take_cancel(fn, arg); }
void OpenCall::on_progress(aoh_call* c, double done, double total, aoh_str message) {
  of(c).report(done, total, view(message));
}
void OpenCall::on_finish(aoh_call* c, aoh_status status, aoh_str result) {
  const auto keep = of(c).shared_from_this();
  keep->finish(status, view(result));
}

void OpenCall::invoke() {
  const auto keep = shared_from_this();
  Module& module = *facts_.module;
  pin_.emplace(module);
  aoh_status status = AOH_OK;
  std::string why;
  if (!*pin_) {
    status = AOH_E_STATE;
    why = module.quarantined() ? "its module is in quarantine: " + module.quarantine_reason()
                               : "its module is shutting down";
  } else {
    try {
      faults::point("call.invoke", facts_.tool ? facts_.tool->name : facts_.what);
      const aoh_module& f = module.functions();
      status = facts_.run    ? facts_.run(module.instance(), &handle_.head)
               : facts_.tool ? f.invoke(module.instance(), borrow(facts_.tool->name),
                                        borrow(facts_.arguments), &handle_.head)
                             : (facts_.authorize ? f.credential_authorize : f.credential_test)(
                                   module.instance(), borrow(facts_.credential_id), &handle_.head);
    } catch (const faults::Injected& e) {
      status = AOH_E_INTERNAL;
      why = e.what();
    }
  }
  if (status != AOH_OK) {
    std::string breach;
    {
      const std::lock_guard lock(m_);
      if (finishing_)
        breach = facts_.what + ": invoke answered " + status_name(status) + " after finish()";
      else
        withdrawn_ = true;
      if (status > 0) breach = facts_.what + ": invoke answered a status that does not exist";
    }
    if (!breach.empty()) module.breach(breach);
    if (status > 0 || status < AOH_E_INTERNAL) status = AOH_E_INTERNAL;
    if (withdrawn_) {
      answer(why.empty() ? check_result(facts_.what, facts_.tool, status, {}).result
                         : CallResult{status, {}, facts_.what + ": " + why});
      part_ended(finish_ended_);
    }
  }
  part_ended(invoke_ended_);
}

void OpenCall::withdraw(CallResult result) {
  const auto keep = shared_from_this();
  {
    const std::lock_guard lock(m_);
    withdrawn_ = true;
  }
  answer(std::move(result));
  part_ended(finish_ended_);
  part_ended(invoke_ended_);
}

void OpenCall::part_ended(bool& part) {
  {
    const std::lock_guard lock(m_);
    part = true;
    if (!(finish_ended_ && invoke_ended_)) return;
  }
  pin_.reset();
  ended_(*this);
}

bool OpenCall::answer(CallResult result) {
  Done done;
  {
    const std::lock_guard lock(m_);
    if (answered_) return false;
    answered_ = true;
    done = std::move(done_);
  }
  {
    const std::lock_guard lock(progress_m_);
    progress_closed_ = true;
  }
  if (done) done(std::move(result));
  return true;
}

void OpenCall::finish(aoh_status status, std::string_view json) {
  bool from_within = false;
  {
    std::unique_lock lock(m_);
    if (dead()) {
      const bool refused = withdrawn_;
      lock.unlock();
      facts_.module->breach(
          facts_.what + ", call " + facts_.id + ": " +
          (refused ? "finish() came although invoke refused the call" : "finish() came twice"));
      return;
    }
    finishing_ = true;
    cancel_fn_ = nullptr;
    from_within = cancelling_ && canceller_ == std::this_thread::get_id();
    if (!from_within) changed_.wait(lock, [this] { return !cancelling_; });
  }
  if (from_within)
    facts_.module->breach(facts_.what + ", call " + facts_.id +
                          ": finish() came from within the cancel function");
  Checked checked = check_result(facts_.what, facts_.tool, status, json);
  if (!checked.breach.empty()) facts_.module->breach(facts_.what + ": " + checked.breach);
  answer(std::move(checked.result));
  part_ended(finish_ended_);
}

void OpenCall::run_cancel(std::unique_lock<std::mutex>& lock, void (*fn)(void*), void* arg) {
  cancelling_ = true;
  canceller_ = std::this_thread::get_id();
  lock.unlock();
  fn(arg);
  lock.lock();
  cancelling_ = false;
  canceller_ = {};
  changed_.notify_all();
}

void OpenCall::cancel() {
  const auto keep = shared_from_this();
  std::unique_lock lock(m_);
  if (dead() || cancelled_.exchange(true)) return;
  if (auto* fn = std::exchange(cancel_fn_, nullptr)) run_cancel(lock, fn, cancel_arg_);
}

void OpenCall::take_cancel(void (*fn)(void*), void* arg) {
  const auto keep = shared_from_this();
  std::unique_lock lock(m_);
  const bool from_within = cancelling_ && canceller_ == std::this_thread::get_id();
  // The one that is replaced must not run once this returns: what it was given may go.
  if (!from_within) changed_.wait(lock, [this] { return !cancelling_; });
  if (dead()) {
    lock.unlock();
    facts_.module->breach(facts_.what + ", call " + facts_.id + ": on_cancel() came after finish()");
    return;
  }
  if (!cancelled_) {
    cancel_fn_ = fn;
    cancel_arg_ = arg;
  } else if (fn && !from_within) {
    run_cancel(lock, fn, arg);
  }
}

void OpenCall::report(double done, double total, std::string_view message) {
  const auto keep = shared_from_this();
  bool late = false;
  {
    const std::lock_guard lock(m_);
    late = dead();
  }
  if (late) {
    facts_.module->breach(facts_.what + ", call " + facts_.id + ": progress() came after finish()");
    return;
  }
  const std::lock_guard lock(progress_m_);
  // Going back is a module's slip that no caller should have to think about.
  if (progress_closed_ || !progress_ || !std::isfinite(done) || done < progress_done_) return;
  progress_done_ = done;
  progress_(done, std::isfinite(total) ? total : 0, one_line(utf8_prefix(message, AOH_MAX_PROGRESS)));
}

}  // namespace aoh::host
