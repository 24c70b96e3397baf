// A running trigger source as a module's author sees it.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "aoh/sdk/text.hpp"

namespace aoh {
inline namespace sdk_0_1 {

struct Event {
  std::int64_t occurred_unix_ns = 0;
  std::string type, blueprint, dedupe_key;
  Json payload;
};

namespace detail {

/// Functions that a host was asked to call, and may call late or never. It holds a number, which dangles
/// nowhere: a call that comes when the function is gone does nothing.
class Kept {
 public:
  static void* put(std::function<void()> fn) {
    Kept& all = instance();
    const std::lock_guard lock(all.mutex_);
    all.functions_.emplace(++all.last_, std::move(fn));
    return reinterpret_cast<void*>(all.last_);  // NOLINT(performance-no-int-to-ptr): never dereferenced
  }
  /// Empty when it was taken before.
  static std::function<void()> take(void* number) {
    Kept& all = instance();
    const std::lock_guard lock(all.mutex_);
    const auto it = all.functions_.find(reinterpret_cast<std::uintptr_t>(number));
    if (it == all.functions_.end()) return {};
    std::function<void()> fn = std::move(it->second);
    all.functions_.erase(it);
    return fn;
  }

 private:
  // Never destroyed: a host's thread may come while the process ends.
  static Kept& instance() {
    static Kept* const all = new Kept();
    return *all;
  }
  std::mutex mutex_;
  std::uintptr_t last_ = 0;
  std::map<std::uintptr_t, std::function<void()>> functions_;
};

}  // namespace detail

/// The module's end of an aoh_trigger. Shared by whoever works on the source; the last act is stopped(). Any
/// thread, but one emit at a time.
class Trigger {
 public:
  explicit Trigger(aoh_trigger* t) : t_(t) {}
  Trigger(const Trigger&) = delete;
  Trigger& operator=(const Trigger&) = delete;
  ~Trigger() { forget_ready(); }

  aoh_trigger* handle() const { return t_; }
  bool stopping() const { return t_->stopping(t_) != 0; }
  void health(const Json& state) {
    const std::string text = state.dump();
    t_->health(t_, st(text));
  }
  /// Stores events, decisions (an array, or null) and the cursor together; `done` runs once, from any thread,
  /// with AOH_OK when durable. False: the host is busy, nothing was taken, `done` is dropped; wait with
  /// on_ready().
  bool emit(const std::vector<Event>& events, const Json& decisions, std::string_view cursor,
            std::function<void(aoh_status)> done) {
    std::vector<std::string> payloads;
    std::vector<aoh_event> raw;
    payloads.reserve(events.size());
    for (const Event& e : events) payloads.push_back(e.payload.dump());
    for (std::size_t i = 0; i < events.size(); ++i)
      raw.push_back({sizeof(aoh_event), 0, events[i].occurred_unix_ns, st(events[i].type),
                     st(events[i].blueprint), st(events[i].dedupe_key), st(payloads[i])});
    const std::string decided = decisions.is_null() ? "[]" : decisions.dump();
    auto* arg = new std::function<void(aoh_status)>(std::move(done));
    const aoh_status s =
        t_->emit(t_, raw.data(), raw.size(), st(decided), st(cursor), &Trigger::run_done, arg);
    if (s == AOH_OK) return true;
    delete arg;
    if (s == AOH_E_BUSY) return false;
    throw StatusError(s, "handing over events failed (status " + std::to_string(s) + ")");
  }
  /// `fn` runs once when there is room again. It is kept until then, until the next on_ready(), stopped() or
  /// the end of this object, whichever comes first, and no longer, whatever the host does. It may own this
  /// object; it may be running while stopped() is called on another thread.
  void on_ready(std::function<void()> fn) {
    void* const number = detail::Kept::put(std::move(fn));
    detail::Kept::take(ready_.exchange(number));
    t_->on_ready(t_, &Trigger::run_ready, number);
  }
  /// The source has ended. Nothing of this object may be used after it.
  void stopped(aoh_status status, std::string_view why) {
    const std::function<void()> last = detail::Kept::take(ready_.exchange(nullptr));
    t_->stopped(t_, status, st(why));
  }

 private:
  static void run_done(void* arg, aoh_status status) noexcept {
    const std::unique_ptr<std::function<void(aoh_status)>> fn(
        static_cast<std::function<void(aoh_status)>*>(arg));
    try {
      (*fn)(status);
    } catch (...) {  // must not cross; the callback has its own error path
    }
  }
  static void run_ready(void* number) noexcept {
    try {
      if (const std::function<void()> fn = detail::Kept::take(number)) fn();
    } catch (...) {  // as above
    }
  }
  void forget_ready() { detail::Kept::take(ready_.exchange(nullptr)); }

  aoh_trigger* t_;
  std::atomic<void*> ready_{nullptr};  // the number under which on_ready's function is kept
};

}  // namespace sdk_0_1
}  // namespace aoh
