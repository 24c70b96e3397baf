// A loaded module: its functions made safe to call, its one instance, and what it did wrong so far.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "aoh/module.h"
#include "loader/manifest.hpp"

namespace aoh::host {

inline std::string_view view(aoh_str s) {
  return s.len && s.ptr ? std::string_view{s.ptr, s.len} : std::string_view{};
}
inline aoh_str borrow(std::string_view s) { return {s.data(), s.size()}; }
/// "AOH_E_BUSY"; a negative value that is not known reads as AOH_E_INTERNAL.
const char* status_name(aoh_status status);

/// An outcome across the interface, with the words that came along.
struct Outcome {
  aoh_status status = AOH_OK;
  std::string message, detail_json;
  explicit operator bool() const { return status == AOH_OK; }
};

/// The table that the host calls through: absent functions (beyond struct_size, or NULL) answer
/// AOH_E_UNSUPPORTED or do nothing.
aoh_module normalise(const aoh_module& raw);

/// A module in memory; its library is never unmapped. Functions tagged [lifecycle] are called one after
/// another under a mutex; a thread that is inside one already (a callback) gets std::logic_error instead of a
/// deadlock. All methods are thread-safe.
class Module {
 public:
  Module(Manifest manifest, std::filesystem::path file, const aoh_module& raw);
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  const Manifest& manifest() const { return manifest_; }
  const std::filesystem::path& file() const { return file_; }
  /// The normalised table. For [worker] functions; [lifecycle] ones have methods here.
  const aoh_module& functions() const { return functions_; }
  /// nullptr before create and after destroy.
  aoh_instance* instance() const { return instance_.load(); }

  // [lifecycle]
  Outcome describe(std::string& manifest_json) const;
  /// `host` stays the caller's and must live until destroy() returned.
  Outcome create(const aoh_host* host, std::string_view config_json);
  Outcome trigger_start(std::string_view source_json, std::string_view cursor, aoh_trigger* trigger);
  Outcome trigger_reconfigure(aoh_trigger* trigger, std::string_view source_json);
  void trigger_stop(aoh_trigger* trigger);
  /// aoh.background/1, if the module has it: this host stays up.
  void background_start();
  void quiesce(std::int64_t deadline_ns);
  /// Waits until nothing uses the module (see Use), then destroys the instance. False at the deadline: the
  /// instance is left alive (leaked on purpose), because destroying it under a running call would be worse.
  bool destroy(std::chrono::steady_clock::time_point deadline);

  /// While one is alive, destroy() waits: one per open call and per running trigger. False (operator bool)
  /// when the module is shutting down, quarantined, or has no instance.
  class Use {
   public:
    explicit Use(Module& m);
    ~Use();
    Use(Use&& o) noexcept : m_(std::exchange(o.m_, nullptr)) {}
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    Use& operator=(Use&&) = delete;
    explicit operator bool() const { return m_ != nullptr; }
    Module* operator->() const { return m_; }

   private:
    Module* m_ = nullptr;
  };
  int uses() const;

  /// The module broke a rule: counted; the third breach quarantines it. Returns the count.
  int breach(std::string_view what);
  /// No new calls or triggers from now on; what runs may end.
  void quarantine(std::string_view why);
  bool quarantined() const { return quarantined_; }
  std::string quarantine_reason() const;
  /// Called with each breach and quarantine, from the thread that found it; set before use.
  std::function<void(const Module&, std::string_view)> on_breach;
  /// No new Use from now on.
  void close() { closing_ = true; }

 private:
  class Lifecycle;
  void release();

  const Manifest manifest_;
  const std::filesystem::path file_;
  const aoh_module functions_;
  std::atomic<aoh_instance*> instance_{nullptr};
  mutable std::mutex lifecycle_;  // serialises [lifecycle]
  mutable std::atomic<std::thread::id>
      in_lifecycle_;      // who holds it, to tell a callback's mistake from waiting
  mutable std::mutex m_;  // guards uses_, reason_
  std::condition_variable idle_;
  int uses_ = 0;
  std::string reason_;
  std::atomic<int> breaches_{0};
  std::atomic<bool> quarantined_{false}, closing_{false};
};

}  // namespace aoh::host
