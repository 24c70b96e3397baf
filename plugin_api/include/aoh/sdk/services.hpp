// The host's services as C++ values. Each is a copyable view of the host's table; absent services answer
// AOH_E_UNSUPPORTED.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aoh/sdk/text.hpp"
#include "aoh/services/blob.h"
#include "aoh/services/clock.h"
#include "aoh/services/credential.h"
#include "aoh/services/log.h"
#include "aoh/services/session.h"
#include "aoh/services/state.h"
#include "aoh/services/vault.h"
#include "support/secret.hpp"

namespace aoh {
inline namespace sdk_0_1 {

/// Throws StatusError unless `status` is AOH_OK.
inline void check(aoh_status status, const char* what) {
  if (status != AOH_OK)
    throw StatusError(status, std::string(what) + " failed (status " + std::to_string(status) + ")");
}

/// Common part: the table of service S by its id. Methods are [any-thread] unless the service's header says
/// otherwise.
template <class S>
class Service {
 public:
  Service(const aoh_host* host, std::string_view id)
      : host_(host), s_(static_cast<const S*>(host->get_service(host, st(id)))) {}
  explicit operator bool() const { return s_ != nullptr; }

 protected:
  const S& need(const char* id) const {
    if (!s_) throw StatusError(AOH_E_UNSUPPORTED, std::string("the host gives no ") + id);
    return *s_;
  }
  const aoh_host* host_;
  const S* s_;
};

struct Log : Service<aoh_log_v1> {
  explicit Log(const aoh_host* h) : Service(h, AOH_LOG_ID) {}
  /// Never throws: what cannot be logged is dropped.
  void write(int level, std::string_view message, const Json& fields = {}) const noexcept {
    try {
      if (s_) s_->write(host_, level, st(message), st(fields.is_null() ? std::string() : fields.dump()));
    } catch (...) {  // logging is best effort
    }
  }
  void debug(std::string_view m, const Json& f = {}) const noexcept { write(AOH_LOG_DEBUG, m, f); }
  void info(std::string_view m, const Json& f = {}) const noexcept { write(AOH_LOG_INFO, m, f); }
  void warn(std::string_view m, const Json& f = {}) const noexcept { write(AOH_LOG_WARN, m, f); }
  void error(std::string_view m, const Json& f = {}) const noexcept { write(AOH_LOG_ERROR, m, f); }
};

struct Clock : Service<aoh_clock_v1> {
  explicit Clock(const aoh_host* h) : Service(h, AOH_CLOCK_ID) {}
  std::int64_t wall_ns() const { return need(AOH_CLOCK_ID).wall_ns(host_); }
  std::int64_t monotonic_ns() const { return need(AOH_CLOCK_ID).monotonic_ns(host_); }
  std::uint64_t schedule(std::int64_t at_ns, void (*fn)(void*), void* arg) const {
    return need(AOH_CLOCK_ID).schedule(host_, at_ns, fn, arg);
  }
  bool cancel(std::uint64_t id) const { return need(AOH_CLOCK_ID).cancel(host_, id) != 0; }
};

struct Credentials : Service<aoh_credential_v1> {
  explicit Credentials(const aoh_host* h) : Service(h, AOH_CREDENTIAL_ID) {}
  Json get(std::string_view id) const {
    StringSink out;
    check(need(AOH_CREDENTIAL_ID).get(host_, st(id), out.c()), "reading the credential");
    return Json::parse(out.text);
  }
  Json list() const {
    StringSink out;
    check(need(AOH_CREDENTIAL_ID).list(host_, out.c()), "listing credentials");
    return Json::parse(out.text);
  }
  void on_changed(void (*fn)(void*, aoh_str), void* arg) const {
    need(AOH_CREDENTIAL_ID).on_changed(host_, fn, arg);
  }
};

struct Vault : Service<aoh_vault_v1> {
  explicit Vault(const aoh_host* h) : Service(h, AOH_VAULT_ID) {}
  struct Entry {
    Secret secret;
    std::uint64_t version = 0;
  };
  /// `bearer`: the call_id or trigger_id on whose behalf.
  Entry read(std::string_view credential, std::string_view field, std::string_view bearer) const {
    StringSink out(1u << 20);
    Entry e;
    const aoh_status s =
        need(AOH_VAULT_ID).read(host_, st(credential), st(field), st(bearer), out.c(), &e.version);
    e.secret = Secret(out.text);
    wipe(out.text);
    check(s, "reading a secret");
    return e;
  }
  /// False when somebody else changed it first.
  bool compare_and_set(std::string_view credential, std::string_view field, std::string_view bearer,
                       std::uint64_t expected, const Secret& value, std::uint64_t* version) const {
    const aoh_status s = need(AOH_VAULT_ID)
                             .compare_and_set(host_, st(credential), st(field), st(bearer), expected,
                                              st(value.reveal()), version);
    if (s == AOH_E_BUSY) return false;
    check(s, "saving a secret");
    return true;
  }
};

struct State : Service<aoh_state_v1> {
  explicit State(const aoh_host* h) : Service(h, AOH_STATE_ID) {}
  struct Value {
    std::string text;
    std::uint64_t version = 0;
  };
  struct Put {
    std::string key, value;
    std::uint64_t expected_version = AOH_STATE_ANY_VERSION;
    bool remove = false;
  };
  std::optional<Value> get(std::string_view key) const {
    StringSink out(AOH_STATE_MAX_VALUE);
    Value v;
    const aoh_status s = need(AOH_STATE_ID).get(host_, st(key), out.c(), &v.version);
    if (s == AOH_E_NOT_FOUND) return std::nullopt;
    check(s, "reading state");
    v.text = std::move(out.text);
    return v;
  }
  /// All or none, durable on return; false when an expected version was not there.
  bool apply(const std::vector<Put>& puts) const {
    std::vector<aoh_state_op> ops;
    ops.reserve(puts.size());
    for (const Put& p : puts)
      ops.push_back({sizeof(aoh_state_op), p.remove ? 1u : 0u, st(p.key), st(p.value), p.expected_version});
    const aoh_status s = need(AOH_STATE_ID).apply(host_, ops.data(), ops.size());
    if (s == AOH_E_BUSY) return false;
    check(s, "writing state");
    return true;
  }
  Json list(std::string_view prefix, std::string_view after = {}, std::uint32_t limit = 1000) const {
    StringSink out;
    check(need(AOH_STATE_ID).list(host_, st(prefix), st(after), limit, out.c()), "listing state");
    return Json::parse(out.text);
  }
};

struct Sessions : Service<aoh_session_v1> {
  explicit Sessions(const aoh_host* h) : Service(h, AOH_SESSION_ID) {}
  /// Null when the call belongs to no session.
  Json current(std::string_view call_id) const {
    StringSink out;
    const aoh_status s = need(AOH_SESSION_ID).current(host_, st(call_id), out.c());
    if (s == AOH_E_NOT_FOUND) return {};
    check(s, "reading the session");
    return Json::parse(out.text);
  }
  void append(std::string_view call_id, const Json& entry) const {
    const std::string text = entry.dump();
    check(need(AOH_SESSION_ID).append(host_, st(call_id), st(text)), "writing to the ledger");
  }
};

struct Blobs : Service<aoh_blob_v1> {
  explicit Blobs(const aoh_host* h) : Service(h, AOH_BLOB_ID) {}
  /// `owner`: a call_id, or empty for the module itself. Returns the id.
  std::string create(std::string_view owner, const Json& info = {}) const {
    StringSink id(512);
    const std::string text = info.is_null() ? std::string() : info.dump();
    check(need(AOH_BLOB_ID).create(host_, st(owner), st(text), id.c()), "creating a blob");
    return id.text;
  }
  void write(std::string_view id, std::string_view bytes) const {
    check(need(AOH_BLOB_ID).write(host_, st(id), bytes.data(), bytes.size()), "writing a blob");
  }
  Json seal(std::string_view id) const {
    StringSink info;
    check(need(AOH_BLOB_ID).seal(host_, st(id), info.c()), "sealing a blob");
    return Json::parse(info.text);
  }
  Json stat(std::string_view id, std::string_view bearer) const {
    StringSink info;
    check(need(AOH_BLOB_ID).stat(host_, st(id), st(bearer), info.c()), "looking at a blob");
    return Json::parse(info.text);
  }
  /// At most `n` bytes from `offset`; fewer at the end.
  std::string read(std::string_view id, std::string_view bearer, std::uint64_t offset, std::size_t n) const {
    StringSink out(n);
    check(need(AOH_BLOB_ID).read(host_, st(id), st(bearer), offset, n, out.c()), "reading a blob");
    return std::move(out.text);
  }
  void remove(std::string_view id) const {
    check(need(AOH_BLOB_ID).remove(host_, st(id)), "removing a blob");
  }
  /// An open file of a sealed blob's bytes, read-only, close-on-exec; the caller closes it. -1: this host
  /// gives none, so read().
  int descriptor(std::string_view id, std::string_view bearer) const {
    const aoh_blob_v1& s = need(AOH_BLOB_ID);
    std::int32_t fd = -1;
    if (!AOH_HAS(aoh_blob_v1, &s, descriptor)) return -1;
    const aoh_status status = s.descriptor(host_, st(id), st(bearer), &fd);
    if (status == AOH_E_UNSUPPORTED) return -1;
    check(status, "opening a blob");
    return fd;
  }
};

}  // namespace sdk_0_1
}  // namespace aoh
