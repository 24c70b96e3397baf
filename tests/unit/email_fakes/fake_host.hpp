// A host in memory for tests of the email plugin's tools and watchers: services as C tables, nothing on disk.
#pragma once
#include <openssl/evp.h>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "aoh/sdk.hpp"
#include "services/clock.hpp"

namespace mailroom::testing {

class FakeHost {
 public:
  explicit FakeHost(std::shared_ptr<aoh::host::Clock> clock = std::make_shared<aoh::host::SystemClock>())
      : time(std::move(clock)) {
    c_.head = {sizeof(aoh_host), AOH_ABI_MAJOR, AOH_ABI_MINOR, 0, &FakeHost::service};
    c_.self = this;
  }
  FakeHost(const FakeHost&) = delete;
  const aoh_host* c() const { return &c_.head; }

  std::shared_ptr<aoh::host::Clock> time;
  std::mutex mutex;
  std::map<std::string, aoh::Json> credentials;
  std::map<std::string, std::string> secrets;  // "credential/field"
  std::map<std::string, std::pair<std::string, std::uint64_t>> state;
  std::map<std::string, std::string> blobs;
  std::map<std::string, aoh::Json> sessions;  // by call_id
  std::vector<std::string> log;
  std::vector<std::string> wire;     // of a runtime whose configuration asks for a trace
  std::vector<std::string> missing;  // services that this host lacks
  std::uint64_t versions_ = 0;       // as a real host: a key that was removed and made again has a new one
  std::function<aoh_status(const std::string& key, const std::string& value)> on_apply;  // may refuse a write
  std::map<std::string, std::uint64_t> secret_changes;  // by key; one more than it is its version
  std::function<aoh_status(const std::string& key, const std::string& value)> on_save;  // may refuse a secret

 private:
  struct Head {
    aoh_host head;
    FakeHost* self;
  };
  static FakeHost& of(const aoh_host* h) { return *reinterpret_cast<const Head*>(h)->self; }
  static std::string str(aoh_str s) { return std::string(aoh::sv(s)); }
  static aoh_status put(aoh_sink* sink, std::string_view text) {
    return sink->write(sink, text.data(), text.size());
  }

  static const void* service(const aoh_host* h, aoh_str id) {
    const std::string name = str(id);
    for (const std::string& m : of(h).missing)
      if (m == name) return nullptr;
    static const aoh_log_v1 log_table{sizeof(aoh_log_v1), 1,
                                      [](const aoh_host* host, std::int32_t, aoh_str m, aoh_str fields) {
                                        const std::lock_guard lock(of(host).mutex);
                                        if (aoh::sv(m) == "wire") of(host).wire.push_back(str(fields));
                                        of(host).log.push_back(str(m));
                                      }};
    static const aoh_clock_v1 clock_table{
        sizeof(aoh_clock_v1),
        1,
        [](const aoh_host* host) { return of(host).time->wall_ns(); },
        [](const aoh_host* host) { return of(host).time->monotonic_ns(); },
        [](const aoh_host* host, std::int64_t at, void (*fn)(void*), void* arg) -> std::uint64_t {
          return of(host).time->schedule(at, [fn, arg] { fn(arg); });
        },
        [](const aoh_host* host, std::uint64_t id_) { return of(host).time->cancel(id_) ? 1 : 0; }};
    static const aoh_credential_v1 credential_table{
        sizeof(aoh_credential_v1), 1,
        [](const aoh_host* host, aoh_str which, aoh_sink* out) {
          const std::lock_guard lock(of(host).mutex);
          const auto it = of(host).credentials.find(str(which));
          return it == of(host).credentials.end() ? AOH_E_NOT_FOUND : put(out, it->second.dump());
        },
        [](const aoh_host*, aoh_sink* out) { return put(out, "[]"); },
        [](const aoh_host*, void (*)(void*, aoh_str), void*) {}};
    static const aoh_vault_v1 vault_table{sizeof(aoh_vault_v1), 1, &FakeHost::vault_read,
                                          &FakeHost::vault_set};
    static const aoh_state_v1 state_table{sizeof(aoh_state_v1), 1, &FakeHost::state_get,
                                          &FakeHost::state_apply, &FakeHost::state_list};
    static const aoh_session_v1 session_table{
        sizeof(aoh_session_v1), 1,
        [](const aoh_host* host, aoh_str call, aoh_sink* out) {
          const std::lock_guard lock(of(host).mutex);
          const auto it = of(host).sessions.find(str(call));
          return it == of(host).sessions.end() ? AOH_E_NOT_FOUND : put(out, it->second.dump());
        },
        nullptr};
    static const aoh_blob_v1 blob_table{
        sizeof(aoh_blob_v1),
        1,
        [](const aoh_host* host, aoh_str, aoh_str, aoh_sink* out) {
          const std::lock_guard lock(of(host).mutex);
          const std::string fresh = "blob-" + std::to_string(of(host).blobs.size() + 1);
          of(host).blobs[fresh];
          return put(out, fresh);
        },
        [](const aoh_host* host, aoh_str which, const void* bytes, std::size_t n) -> aoh_status {
          const std::lock_guard lock(of(host).mutex);
          of(host).blobs[str(which)].append(static_cast<const char*>(bytes), n);
          return AOH_OK;
        },
        [](const aoh_host* host, aoh_str which, aoh_sink* out) {
          return blob_info(of(host), str(which), out);
        },
        [](const aoh_host* host, aoh_str which, aoh_str, aoh_sink* out) {
          return blob_info(of(host), str(which), out);
        },
        [](const aoh_host* host, aoh_str which, aoh_str, std::uint64_t offset, std::size_t n, aoh_sink* out) {
          const std::lock_guard lock(of(host).mutex);
          const std::string& b = of(host).blobs[str(which)];
          return put(out, std::string_view(b).substr(std::min<std::size_t>(offset, b.size()), n));
        },
        [](const aoh_host* host, aoh_str which) -> aoh_status {
          const std::lock_guard lock(of(host).mutex);
          return of(host).blobs.erase(str(which)) ? AOH_OK : AOH_E_NOT_FOUND;
        },
        nullptr};
    if (name == AOH_LOG_ID) return &log_table;
    if (name == AOH_CLOCK_ID) return &clock_table;
    if (name == AOH_CREDENTIAL_ID) return &credential_table;
    if (name == AOH_VAULT_ID) return &vault_table;
    if (name == AOH_STATE_ID) return &state_table;
    if (name == AOH_SESSION_ID) return &session_table;
    if (name == AOH_BLOB_ID) return &blob_table;
    return nullptr;
  }

  static aoh_status blob_info(FakeHost& self, const std::string& id, aoh_sink* out) {
    const std::lock_guard lock(self.mutex);
    const auto it = self.blobs.find(id);
    if (it == self.blobs.end()) return AOH_E_NOT_FOUND;
    return put(out, aoh::Json{{"id", id}, {"size", it->second.size()}, {"sha256", "00"}}.dump());
  }
  static aoh_status vault_read(const aoh_host* h, aoh_str id, aoh_str field, aoh_str, aoh_sink* out,
                               std::uint64_t* version) {
    const std::lock_guard lock(of(h).mutex);
    const std::string key = str(id) + "/" + str(field);
    const auto it = of(h).secrets.find(key);
    if (it == of(h).secrets.end()) return AOH_E_NOT_FOUND;
    *version = 1 + of(h).secret_changes[key];
    return put(out, it->second);
  }
  static aoh_status vault_set(const aoh_host* h, aoh_str id, aoh_str field, aoh_str, std::uint64_t expected,
                              aoh_str secret, std::uint64_t* version) {
    FakeHost& self = of(h);
    const std::string key = str(id) + "/" + str(field);
    if (self.on_save)
      if (const aoh_status s = self.on_save(key, str(secret)); s != AOH_OK) return s;
    const std::lock_guard lock(self.mutex);
    const bool there = self.secrets.contains(key);
    if ((there ? 1 + self.secret_changes[key] : 0) != expected) return AOH_E_BUSY;
    if (there) ++self.secret_changes[key];
    self.secrets[key] = str(secret);
    *version = 1 + self.secret_changes[key];
    return AOH_OK;
  }
  static aoh_status state_get(const aoh_host* h, aoh_str key, aoh_sink* out, std::uint64_t* version) {
    const std::lock_guard lock(of(h).mutex);
    const auto it = of(h).state.find(str(key));
    if (it == of(h).state.end()) return AOH_E_NOT_FOUND;
    *version = it->second.second;
    return put(out, it->second.first);
  }
  static aoh_status state_apply(const aoh_host* h, const aoh_state_op* ops, std::size_t n) {
    FakeHost& self = of(h);
    for (std::size_t i = 0; i < n; ++i)
      if (self.on_apply)
        if (const aoh_status s = self.on_apply(str(ops[i].key), str(ops[i].value)); s != AOH_OK) return s;
    const std::lock_guard lock(self.mutex);
    for (std::size_t i = 0; i < n; ++i) {
      const auto it = self.state.find(str(ops[i].key));
      const std::uint64_t have = it == self.state.end() ? 0 : it->second.second;
      if (ops[i].expected_version != AOH_STATE_ANY_VERSION && ops[i].expected_version != have)
        return AOH_E_BUSY;
    }
    for (std::size_t i = 0; i < n; ++i) {
      if (ops[i].remove) {
        self.state.erase(str(ops[i].key));
        continue;
      }
      auto& slot = self.state[str(ops[i].key)];
      slot = {str(ops[i].value), ++self.versions_};
    }
    return AOH_OK;
  }
  static aoh_status state_list(const aoh_host* h, aoh_str prefix, aoh_str after, std::uint32_t limit,
                               aoh_sink* out) {
    const std::lock_guard lock(of(h).mutex);
    aoh::Json keys = aoh::Json::array();
    for (const auto& [key, value] : of(h).state)
      if (key.starts_with(aoh::sv(prefix)) && key > aoh::sv(after) && keys.size() < limit)
        keys.push(aoh::Json{{"key", key}, {"version", value.second}});
    return put(out, keys.dump());
  }
  Head c_{};
};

/// One call as the host makes it; finish() is remembered.
class FakeCall {
 public:
  explicit FakeCall(aoh::Json context, bool by_operator = false, std::int64_t deadline_ns = INT64_MAX)
      : context_(context.dump()) {
    c_.head = {sizeof(aoh_call),
               by_operator ? static_cast<std::uint32_t>(AOH_CALL_OPERATOR) : 0u,
               deadline_ns,
               aoh::st(context_),
               {nullptr, 0},
               [](const aoh_call* c) { return of(c).cancelled_.load() ? 1 : 0; },
               [](aoh_call* c, void (*fn)(void*), void* arg) {
                 FakeCall& self = of(c);
                 const std::lock_guard lock(self.mutex_);
                 self.fn_ = fn;
                 self.arg_ = arg;
                 if (self.cancelled_) fn(arg);
               },
               [](aoh_call*, double, double, aoh_str) {},
               [](aoh_call*, aoh_status, aoh_str) {}};
    c_.self = this;
    call = std::make_unique<aoh::Call>(&c_.head);
  }
  void cancel() {
    const std::lock_guard lock(mutex_);
    if (!cancelled_.exchange(true) && fn_) fn_(arg_);
  }
  std::unique_ptr<aoh::Call> call;

 private:
  struct Head {
    aoh_call head;
    FakeCall* self;
  };
  static FakeCall& of(const aoh_call* c) { return *reinterpret_cast<const Head*>(c)->self; }
  std::string context_;
  std::mutex mutex_;
  std::atomic<bool> cancelled_ = false;
  void (*fn_)(void*) = nullptr;
  void* arg_ = nullptr;
  Head c_{};
};

/// The host's end of a trigger: batches as they were stored, the last cursor, the last health.
class FakeTrigger {
 public:
  FakeTrigger() {
    c_.head = {sizeof(aoh_trigger),  0,
               &FakeTrigger::emit,   &FakeTrigger::on_ready,
               &FakeTrigger::health, [](const aoh_trigger* t) { return of(t).stopping ? 1 : 0; },
               &FakeTrigger::stopped};
    c_.self = this;
  }
  aoh_trigger* c() { return &c_.head; }

  struct Stored {
    std::string dedupe_key, blueprint;
    aoh::Json payload;
  };
  std::vector<Stored> events() {
    const std::lock_guard lock(mutex_);
    return events_;
  }
  aoh::Json decisions() {
    const std::lock_guard lock(mutex_);
    return decisions_;
  }
  std::string cursor() {
    const std::lock_guard lock(mutex_);
    return cursor_;
  }
  aoh::Json last_health() {
    const std::lock_guard lock(mutex_);
    return health_;
  }
  std::vector<std::string> states() {
    const std::lock_guard lock(mutex_);
    return states_;
  }
  bool has_stopped() {
    const std::lock_guard lock(mutex_);
    return stopped_;
  }
  /// True once `done` holds, false after `ms`.
  bool wait(const std::function<bool(FakeTrigger&)>& done, int ms = 5000) {
    for (int waited = 0; waited < ms; waited += 5) {
      if (done(*this)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return done(*this);
  }
  std::atomic<bool> stopping = false;
  std::atomic<int> busy = 0;  ///< so many hand-overs are answered BUSY
  std::atomic<int> fail = 0;  ///< so many are taken and then not stored

 private:
  struct Head {
    aoh_trigger head;
    FakeTrigger* self;
  };
  static FakeTrigger& of(const aoh_trigger* t) { return *reinterpret_cast<const Head*>(t)->self; }
  static aoh_status emit(aoh_trigger* t, const aoh_event* e, std::size_t n, aoh_str decisions, aoh_str cursor,
                         void (*done)(void*, aoh_status), void* arg) {
    FakeTrigger& self = of(t);
    if (self.busy > 0) {
      --self.busy;
      return AOH_E_BUSY;
    }
    if (self.fail > 0) {
      --self.fail;
      done(arg, AOH_E_INTERNAL);
      return AOH_OK;
    }
    {
      const std::lock_guard lock(self.mutex_);
      for (std::size_t i = 0; i < n; ++i)
        self.events_.push_back({std::string(aoh::sv(e[i].dedupe_key)), std::string(aoh::sv(e[i].blueprint)),
                                aoh::Json::parse(aoh::sv(e[i].payload_json))});
      const aoh::Json more = aoh::Json::parse(aoh::sv(decisions));
      for (const aoh::Json& d : more.items()) self.decisions_.push(d);
      self.cursor_ = aoh::sv(cursor);
    }
    done(arg, AOH_OK);
    return AOH_OK;
  }
  static void on_ready(aoh_trigger*, void (*fn)(void*), void* arg) { fn(arg); }
  static void health(aoh_trigger* t, aoh_str json) {
    FakeTrigger& self = of(t);
    const std::lock_guard lock(self.mutex_);
    self.health_ = aoh::Json::parse(aoh::sv(json));
    self.states_.push_back(self.health_["state"].str());
  }
  static void stopped(aoh_trigger* t, aoh_status, aoh_str) {
    const std::lock_guard lock(of(t).mutex_);
    of(t).stopped_ = true;
  }
  std::mutex mutex_;
  std::vector<Stored> events_;
  aoh::Json decisions_ = aoh::Json::array();
  std::string cursor_;
  aoh::Json health_;
  std::vector<std::string> states_;
  bool stopped_ = false;
  Head c_{};
};

}  // namespace mailroom::testing
