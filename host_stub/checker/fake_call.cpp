#include "checker/fake_call.hpp"

#include <atomic>

#include "loader/module.hpp"

namespace aoh::host::checker {

FakeCall::FakeCall(FakeHost& host, Options options)
    : host_(host), options_(std::move(options)), call_("aoh_call", host.options().age, this) {
  static std::atomic<int> next{1};
  id_ = "check-call-" + std::to_string(next++);
  Json context{{"call_id", id_},
               {"session_id", "check-session"},
               {"step", 1},
               {"agent_id", "checker"},
               {"idempotency_key", "check-session/" + id_}};
  for (const auto& m : options_.context.members()) context.set(m.key, m.value);
  context_ = context.dump();
  host_.add_bearer(id_);
  aoh_call& c = *call_.get();
  c.flags = options_.flags;
  c.deadline_ns =
      options_.no_deadline ? INT64_MAX : host_.clock().monotonic_ns() + options_.deadline_in.count();
  c.context_json = borrow(context_);
  c.cancelled = on_cancelled;
  c.on_cancel = on_on_cancel;
  c.progress = on_progress;
  c.finish = on_finish;
}

void FakeCall::cancel() {
  std::unique_lock lock(m_);
  cancelled_ = true;
  if (!cancel_fn_ || !finishes_.empty()) return;
  auto* const fn = std::exchange(cancel_fn_, nullptr);
  running_cancel_ = true;
  canceller_ = std::this_thread::get_id();
  lock.unlock();
  fn(cancel_arg_);
  lock.lock();
  running_cancel_ = false;
  changed_.notify_all();
}

bool FakeCall::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(m_);
  return changed_.wait_for(lock, time, [this] { return !finishes_.empty(); });
}
bool FakeCall::wait_for_sign(std::chrono::milliseconds time) {
  std::unique_lock lock(m_);
  return changed_.wait_for(lock, time, [this] { return !finishes_.empty() || !progress_.empty(); });
}
int FakeCall::finishes() const {
  const std::lock_guard lock(m_);
  return static_cast<int>(finishes_.size());
}
std::optional<FakeCall::Finish> FakeCall::first() const {
  const std::lock_guard lock(m_);
  return finishes_.empty() ? std::nullopt : std::optional(finishes_.front());
}
std::vector<FakeCall::Progress> FakeCall::progress() const {
  const std::lock_guard lock(m_);
  return progress_;
}

int FakeCall::on_cancelled(const aoh_call* c) {
  auto& self = *static_cast<FakeCall*>(owner_of(c));
  const std::lock_guard lock(self.m_);
  return self.cancelled_ ? 1 : 0;
}

void FakeCall::on_on_cancel(aoh_call* c, void (*fn)(void*), void* arg) {
  auto& self = *static_cast<FakeCall*>(owner_of(c));
  std::unique_lock lock(self.m_);
  if (!self.finishes_.empty()) return self.host_.breach("on_cancel() was called after finish()");
  self.cancel_fn_ = fn;
  self.cancel_arg_ = arg;
  if (!self.cancelled_ || !fn) return;
  self.cancel_fn_ = nullptr;
  lock.unlock();
  fn(arg);  // cancelled before it was registered: at once
}

void FakeCall::on_progress(aoh_call* c, double done, double total, aoh_str message) {
  auto& self = *static_cast<FakeCall*>(owner_of(c));
  self.host_.said(view(message));
  const std::lock_guard lock(self.m_);
  if (!self.finishes_.empty()) self.host_.breach("progress() was called after finish()");
  if (!self.progress_.empty() && done < self.progress_.back().done)
    self.host_.breach("progress went back from " + std::to_string(self.progress_.back().done) + " to " +
                      std::to_string(done));
  if (self.progress_.size() < 10000) self.progress_.push_back({done, total, std::string(view(message))});
  self.changed_.notify_all();
}

void FakeCall::on_finish(aoh_call* c, aoh_status status, aoh_str result) {
  auto& self = *static_cast<FakeCall*>(owner_of(c));
  self.host_.said(view(result));
  self.host_.drop_bearer(self.id_);
  std::unique_lock lock(self.m_);
  if (self.running_cancel_ && self.canceller_ == std::this_thread::get_id())
    self.host_.breach("finish() was called from within on_cancel's function");
  else
    self.changed_.wait(lock, [&] { return !self.running_cancel_; });  // never after finish() returned
  self.cancel_fn_ = nullptr;
  self.finishes_.push_back({status, std::string(view(result))});
  if (self.finishes_.size() > 1)
    self.host_.breach("finish() was called " + std::to_string(self.finishes_.size()) + " times");
  if (self.options_.guard) self.call_.kill();
  self.changed_.notify_all();
}

FakeTrigger::FakeTrigger(FakeHost& host, std::string trigger_id, Options options)
    : host_(host),
      id_(std::move(trigger_id)),
      trigger_("aoh_trigger", host.options().age, this),
      busy_left_(options.busy_first),
      fail_left_(options.fail_first),
      hold_done_(options.hold_done) {
  host_.add_bearer(id_);
  aoh_trigger& t = *trigger_.get();
  t.emit = on_emit;
  t.on_ready = on_on_ready;
  t.health = on_health;
  t.stopping = on_stopping;
  t.stopped = on_stopped;
}

void FakeTrigger::ask_to_stop() {
  const std::lock_guard lock(m_);
  stopping_ = true;
}
bool FakeTrigger::wait_stopped(std::chrono::milliseconds time) {
  std::unique_lock lock(m_);
  return changed_.wait_for(lock, time, [this] { return stops_ > 0; });
}
bool FakeTrigger::wait_health(std::chrono::milliseconds time) {
  std::unique_lock lock(m_);
  return changed_.wait_for(lock, time, [this] { return !health_.empty(); });
}
bool FakeTrigger::wait_batches(std::size_t n, std::chrono::milliseconds time) {
  std::unique_lock lock(m_);
  return changed_.wait_for(lock, time, [&] { return batches_ >= n; });
}
bool FakeTrigger::wait_held(std::chrono::milliseconds time) {
  std::unique_lock lock(m_);
  return changed_.wait_for(lock, time, [this] { return held_; });
}
void FakeTrigger::release() {
  {
    const std::lock_guard lock(m_);
    hold_done_ = false;
    if (!std::exchange(held_, false)) return;
  }
  settle();
}
int FakeTrigger::stops() const {
  const std::lock_guard lock(m_);
  return stops_;
}
std::string FakeTrigger::stop_reason() const {
  const std::lock_guard lock(m_);
  return why_;
}
std::vector<FakeTrigger::Event> FakeTrigger::events() const {
  const std::lock_guard lock(m_);
  return events_;
}
std::string FakeTrigger::cursor() const {
  const std::lock_guard lock(m_);
  return cursor_;
}
std::vector<std::string> FakeTrigger::health() const {
  const std::lock_guard lock(m_);
  return health_;
}
int FakeTrigger::busy_answers() const {
  const std::lock_guard lock(m_);
  return busy_answers_;
}
int FakeTrigger::ready_calls() const {
  const std::lock_guard lock(m_);
  return ready_calls_;
}

namespace {
Json parsed(std::string_view text) {
  try {
    return Json::parse(text);
  } catch (const JsonError&) {
    return Json();
  }
}
}  // namespace

aoh_status FakeTrigger::on_emit(aoh_trigger* t, const aoh_event* events, std::size_t n, aoh_str decisions,
                                aoh_str cursor, void (*done)(void*, aoh_status), void* arg) {
  auto& self = *static_cast<FakeTrigger*>(owner_of(t));
  FakeHost& h = self.host_;
  if (n > AOH_MAX_EVENTS) h.breach("emit() with " + std::to_string(n) + " events; at most 256 are taken");
  if (cursor.len > (64u << 10)) h.breach("emit() with a cursor above 64 KiB");
  if (!parsed(view(decisions)).is_array()) h.breach("emit() with decisions that are not a JSON array");
  if (!done) h.breach("emit() without a done function");
  std::vector<Event> batch;
  for (std::size_t i = 0; i < n; ++i) {
    const aoh_event& e = events[i];
    if (e.struct_size < sizeof(aoh_event)) h.breach("an event's struct_size is too small");
    if (e.dedupe_key.len == 0 || e.dedupe_key.len > 512)
      h.breach("an event's dedupe_key is empty or above 512 bytes");
    if (!parsed(view(e.payload_json)).is_object()) h.breach("an event's payload is not a JSON object");
    if (view(e.blueprint).empty() &&
        parsed(view(e.payload_json)).path("call.tool").str().empty())  // not an action of rules either
      h.breach("an event names no blueprint");
    h.said(view(e.payload_json));
    batch.push_back({std::string(view(e.type)), std::string(view(e.blueprint)),
                     std::string(view(e.dedupe_key)), std::string(view(e.payload_json))});
  }
  h.said(view(decisions));
  const std::lock_guard lock(self.m_);
  if (self.stops_) h.breach("emit() was called after stopped()");
  if (self.outstanding_) {
    h.breach("emit() was called while another emit was outstanding");
    return AOH_E_STATE;
  }
  if (self.busy_left_ > 0) {
    --self.busy_left_;
    ++self.busy_answers_;
    return AOH_E_BUSY;
  }
  self.outstanding_ = true;
  self.batch_ = std::move(batch);
  self.batch_cursor_ = std::string(view(cursor));
  self.done_ = done;
  self.done_arg_ = arg;
  if (self.hold_done_) {
    self.held_ = true;
    self.changed_.notify_all();
  } else {
    h.post([&self] { self.settle(); });
  }
  return AOH_OK;
}

void FakeTrigger::settle() {
  std::unique_lock lock(m_);
  aoh_status status = AOH_OK;
  if (fail_left_ > 0) {
    --fail_left_;
    status = AOH_E_INTERNAL;
  } else {
    for (Event& e : batch_) events_.push_back(std::move(e));
    cursor_ = batch_cursor_;
    ++batches_;
  }
  batch_.clear();
  outstanding_ = false;
  auto* const done = done_;
  void* const arg = done_arg_;
  changed_.notify_all();
  lock.unlock();
  if (done) done(arg, status);
}

void FakeTrigger::on_on_ready(aoh_trigger* t, void (*fn)(void*), void* arg) {
  auto& self = *static_cast<FakeTrigger*>(owner_of(t));
  self.host_.post(
      [&self, fn, arg] {
        {
          const std::lock_guard lock(self.m_);
          if (self.stops_) return;
          ++self.ready_calls_;
        }
        fn(arg);
      },
      std::chrono::milliseconds(5));
}

void FakeTrigger::on_health(aoh_trigger* t, aoh_str state) {
  auto& self = *static_cast<FakeTrigger*>(owner_of(t));
  const Json json = parsed(view(state));
  if (!json["state"].is_string()) self.host_.breach("health() without a \"state\"");
  self.host_.said(view(state));
  const std::lock_guard lock(self.m_);
  if (self.stops_) self.host_.breach("health() was called after stopped()");
  if (self.health_.size() < 1000) self.health_.push_back(std::string(view(state)));
  self.changed_.notify_all();
}

int FakeTrigger::on_stopping(const aoh_trigger* t) {
  auto& self = *static_cast<FakeTrigger*>(owner_of(t));
  const std::lock_guard lock(self.m_);
  return self.stopping_ ? 1 : 0;
}

void FakeTrigger::on_stopped(aoh_trigger* t, aoh_status status, aoh_str why) {
  auto& self = *static_cast<FakeTrigger*>(owner_of(t));
  self.host_.said(view(why));
  self.host_.drop_bearer(self.id_);
  const std::lock_guard lock(self.m_);
  if (self.outstanding_) self.host_.breach("stopped() came while an emit was outstanding");
  if (++self.stops_ > 1) self.host_.breach("stopped() was called " + std::to_string(self.stops_) + " times");
  self.why_ = std::string(status_name(status)) + " " + std::string(view(why));
  self.changed_.notify_all();
}

}  // namespace aoh::host::checker
