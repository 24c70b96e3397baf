#include "services/host_services.hpp"

#include <algorithm>

#include "aoh/sdk/services.hpp"  // the ids; and, for its own sake, that both sides compile together
#include "services/faults.hpp"
#include "services/instance_access.hpp"
#include "services/knowledge_tables.hpp"
#include "services/metrics.hpp"
#include "services/metrics_c.hpp"

namespace aoh::host {

/// The C functions of the services. None lets an exception out.
struct Thunks : InstanceAccess {
  // aoh.log/1
  static void log_write(const aoh_host* h, std::int32_t level, aoh_str message, aoh_str fields) noexcept {
    run(h, "logging", [&](InstanceHost& i) {
      Json f;
      try {
        f = parsed(fields);
      } catch (const JsonError&) {
        f = Json{{"unreadable_fields", sv(fields)}};
      }
      i.services_.log->write(level, i.module_, sv(message), f);
      return AOH_OK;
    });
  }

  // aoh.clock/1
  static std::int64_t wall(const aoh_host* h) noexcept { return self(h).services_.clock->wall_ns(); }
  static std::int64_t monotonic(const aoh_host* h) noexcept {
    return self(h).services_.clock->monotonic_ns();
  }
  static std::uint64_t schedule(const aoh_host* h, std::int64_t at, void (*fn)(void*), void* arg) noexcept {
    std::uint64_t id = 0;
    run(h, "setting a timer", [&](InstanceHost& i) -> aoh_status {
      const auto own = std::make_shared<Clock::Id>(0);
      const std::lock_guard lock(i.timers_mutex_);  // the timer, should it run at once, waits for its number
      if (i.revoked_) return AOH_E_STATE;
      id = *own = i.services_.clock->schedule(at, [fn, arg, own, &i] {
        fn(arg);
        const std::lock_guard ended(i.timers_mutex_);
        i.timers_.erase(*own);
      });
      if (id) i.timers_.insert(id);
      return AOH_OK;
    });
    return id;
  }
  static int cancel(const aoh_host* h, std::uint64_t id) noexcept {
    InstanceHost& i = self(h);
    {
      const std::lock_guard lock(i.timers_mutex_);
      if (!i.timers_.count(id)) return 0;  // it has run, or is another module's
    }
    if (!i.services_.clock->cancel(id)) return 0;
    const std::lock_guard lock(i.timers_mutex_);
    i.timers_.erase(id);
    return 1;
  }

  // aoh.credential/1
  static aoh_status credential_get(const aoh_host* h, aoh_str id, aoh_sink* out) noexcept {
    return run(h, "reading a credential", [&](InstanceHost& i) -> aoh_status {
      const auto record = i.services_.credentials->get(sv(id));
      if (!record) return AOH_E_NOT_FOUND;
      if (!i.types_.count((*record)["type"].str())) return AOH_E_DENIED;
      return put(out, record->dump());
    });
  }
  static aoh_status credential_list(const aoh_host* h, aoh_sink* out) noexcept {
    return run(h, "listing credentials", [&](InstanceHost& i) {
      Json list = Json::array();
      for (const Json& r : i.services_.credentials->list()) {
        if (!i.types_.count(r["type"].str())) continue;
        Json row{{"id", r["id"]}, {"type", r["type"]}, {"version", r["version"]}};
        list.push(row.set_if(r.has("label"), "label", r["label"]));
      }
      return put(out, list.dump());
    });
  }
  static void on_changed(const aoh_host* h, void (*fn)(void*, aoh_str), void* arg) noexcept {
    run(h, "listening for credentials", [&](InstanceHost& i) {
      const std::lock_guard lock(i.listener_mutex_);
      if (i.listener_) i.services_.credentials->unlisten(std::exchange(i.listener_, 0));
      if (fn)
        i.listener_ = i.services_.credentials->listen([fn, arg](const std::string& id) { fn(arg, st(id)); });
      return AOH_OK;
    });
  }

  // aoh.vault/1
  /// Does the record of `granted` name `credential` in a field that its type declares as a reference? Only
  /// what a person wrote there counts, and only one step: what that one names is not meant.
  static bool goes_with(InstanceHost& i, std::string_view credential, std::string_view granted) {
    const auto record = i.services_.credentials->get(granted);
    if (!record) return false;
    const auto type = i.types_.find((*record)["type"].str());
    return type != i.types_.end() &&
           std::any_of(type->second.begin(), type->second.end(),
                       [&](const std::string& field) { return (*record)[field].str() == credential; });
  }
  // What waits in an outbox goes without a call: the record that a granted call made stands for it.
  static bool outbox_names(InstanceHost& i, std::string_view credential, std::string_view bearer) {
    constexpr std::string_view kPrefix = "outbox:";
    if (!bearer.starts_with(kPrefix) || !i.services_.state) return false;
    const std::string id(bearer.substr(kPrefix.size()));
    const auto entry = i.services_.state->get(i.module_, "outbox/" + id);
    if (!entry) return false;
    const Json record = Json::parse(entry->text);
    const std::string& state = record["state"].str();
    const std::string& granted = record["credential_id"].str();
    // What was sent needs a password only while something is owed for it: its copy, its draft.
    return (state == "prepared" || state == "queued" || state == "committing" ||
            (state == "sent" && i.services_.state->get(i.module_, "due/" + id))) &&
           (granted == credential || goes_with(i, credential, granted));
  }
  static bool may_use(InstanceHost& i, std::string_view credential, std::string_view bearer) {
    const auto known = i.services_.credentials->get(credential);
    if (!known || !i.types_.count((*known)["type"].str())) return false;
    if (outbox_names(i, credential, bearer)) return true;
    const auto b = i.services_.bearers->find(bearer);
    return b && b->module == i.module_ &&
           (b->may_use(credential) ||
            std::any_of(b->credentials.begin(), b->credentials.end(),
                        [&](const std::string& granted) { return goes_with(i, credential, granted); }));
  }
  static void remember(InstanceHost& i, std::string_view credential, std::string_view field,
                       std::string_view bearer, std::uint64_t version) {
    constexpr std::size_t kMost = 1000;
    const std::lock_guard lock(i.handed_mutex_);
    i.handed_.push_back({std::string(credential), std::string(field), std::string(bearer), version});
    if (i.handed_.size() > kMost) i.handed_.pop_front();
  }
  /// A server has rotated a token, and the call on whose behalf it was asked is over: what replaces the very
  /// version that the bearer was handed may be saved, or the sign-in would be lost.
  static bool was_handed(InstanceHost& i, std::string_view credential, std::string_view field,
                         std::string_view bearer, std::uint64_t version) {
    const auto known = i.services_.credentials->get(credential);
    if (!known || !i.types_.count((*known)["type"].str())) return false;
    const std::lock_guard lock(i.handed_mutex_);
    return std::any_of(i.handed_.begin(), i.handed_.end(), [&](const auto& h) {
      return h.version == version && h.credential == credential && h.field == field && h.bearer == bearer;
    });
  }
  static aoh_status vault_read(const aoh_host* h, aoh_str credential, aoh_str field, aoh_str bearer,
                               aoh_sink* out, std::uint64_t* version) noexcept {
    return run(h, "reading a secret", [&](InstanceHost& i) -> aoh_status {
      const auto audit = [&](const char* outcome) {
        i.services_.vault->audit(i.module_, sv(credential), sv(field), sv(bearer), outcome);
      };
      if (!may_use(i, sv(credential), sv(bearer))) {
        audit("denied");
        return AOH_E_DENIED;
      }
      const auto entry = i.services_.vault->read(sv(credential), sv(field));
      audit(entry ? "given" : "missing");
      remember(i, sv(credential), sv(field), sv(bearer), entry ? entry->version : 0);
      if (!entry) return AOH_E_NOT_FOUND;
      if (version) *version = entry->version;
      return put(out, entry->secret.reveal());
    });
  }
  static aoh_status vault_set(const aoh_host* h, aoh_str credential, aoh_str field, aoh_str bearer,
                              std::uint64_t expected, aoh_str secret, std::uint64_t* version) noexcept {
    return run(h, "saving a secret", [&](InstanceHost& i) -> aoh_status {
      if (!may_use(i, sv(credential), sv(bearer)) &&
          !was_handed(i, sv(credential), sv(field), sv(bearer), expected)) {
        i.services_.vault->audit(i.module_, sv(credential), sv(field), sv(bearer), "denied");
        return AOH_E_DENIED;
      }
      const auto now = i.services_.vault->compare_and_set(sv(credential), sv(field), expected,
                                                          Secret(std::string(sv(secret))));
      if (!now) return AOH_E_BUSY;
      i.services_.vault->audit(i.module_, sv(credential), sv(field), sv(bearer), "changed");
      if (version) *version = *now;
      i.services_.credentials->changed(std::string(sv(credential)));
      return AOH_OK;
    });
  }

  // aoh.state/1
  static aoh_status state_get(const aoh_host* h, aoh_str key, aoh_sink* out,
                              std::uint64_t* version) noexcept {
    return run(h, "reading state", [&](InstanceHost& i) -> aoh_status {
      const auto v = i.services_.state->get(i.module_, sv(key));
      if (!v) return AOH_E_NOT_FOUND;
      if (version) *version = v->version;
      return put(out, v->text);
    });
  }
  static aoh_status state_apply(const aoh_host* h, const aoh_state_op* ops, std::size_t n) noexcept {
    return run(h, "writing state", [&](InstanceHost& i) -> aoh_status {
      constexpr std::size_t kMost = 64;
      if (n > kMost || (n && !ops)) return AOH_E_INVALID;
      std::vector<State::Op> list;
      const auto* at = reinterpret_cast<const char*>(ops);
      for (std::size_t k = 0; k < n; ++k) {
        const auto& op = *reinterpret_cast<const aoh_state_op*>(at);
        if (op.struct_size < sizeof(aoh_state_op) || op.key.len == 0 || op.key.len > AOH_STATE_MAX_KEY ||
            op.value.len > AOH_STATE_MAX_VALUE)
          return AOH_E_INVALID;
        list.push_back({sv(op.key), sv(op.value), op.expected_version, op.remove != 0});
        at += op.struct_size;  // a newer module's steps may be longer
      }
      return i.services_.state->apply(i.module_, list) ? AOH_OK : AOH_E_BUSY;
    });
  }
  static aoh_status state_list(const aoh_host* h, aoh_str prefix, aoh_str after, std::uint32_t limit,
                               aoh_sink* out) noexcept {
    return run(h, "listing state", [&](InstanceHost& i) {
      Json list = Json::array();
      for (const auto& [key, version] :
           i.services_.state->list(i.module_, sv(prefix), sv(after), std::min(limit, 1000u)))
        list.push(Json{{"key", key}, {"version", version}});
      return put(out, list.dump());
    });
  }

  // aoh.session/1
  static aoh_status session_current(const aoh_host* h, aoh_str call_id, aoh_sink* out) noexcept {
    return run(h, "reading a session", [&](InstanceHost& i) -> aoh_status {
      const auto b = i.services_.bearers->find(sv(call_id));
      if (!b || b->session_id.empty() || !i.services_.session_info) return AOH_E_NOT_FOUND;
      const auto info = i.services_.session_info(b->session_id);
      return info ? put(out, info->dump()) : static_cast<aoh_status>(AOH_E_NOT_FOUND);
    });
  }
  static aoh_status session_append(const aoh_host* h, aoh_str call_id, aoh_str entry) noexcept {
    return run(h, "writing to a ledger", [&](InstanceHost& i) -> aoh_status {
      constexpr std::size_t kMost = 64 << 10;
      if (entry.len > kMost) return AOH_E_INVALID;
      const auto b = i.services_.bearers->find(sv(call_id));
      if (!b || b->session_id.empty() || !i.services_.session_append) return AOH_E_NOT_FOUND;
      return i.services_.session_append(b->session_id, Json::parse(sv(entry))) ? AOH_OK : AOH_E_NOT_FOUND;
    });
  }

  // aoh.blob/1
  static aoh_status blob_create(const aoh_host* h, aoh_str owner, aoh_str info, aoh_sink* id) noexcept {
    return run(h, "making a blob", [&](InstanceHost& i) -> aoh_status {
      std::string session;
      if (owner.len) {
        const auto b = i.services_.bearers->find(sv(owner));
        if (!b || b->module != i.module_) return AOH_E_DENIED;
        session = b->session_id;
      }
      const Json facts = parsed(info);
      return put(id, i.services_.blobs->create(i.module_, session, facts["mime_type"].str(),
                                               facts["filename"].str(), i.services_.clock->wall_ns()));
    });
  }
  static aoh_status blob_write(const aoh_host* h, aoh_str id, const void* bytes, std::size_t n) noexcept {
    return run(h, "writing a blob", [&](InstanceHost& i) {
      return status(i.services_.blobs->write(i.module_, sv(id), {static_cast<const char*>(bytes), n}));
    });
  }
  static aoh_status blob_seal(const aoh_host* h, aoh_str id, aoh_sink* info) noexcept {
    return run(h, "sealing a blob", [&](InstanceHost& i) -> aoh_status {
      const aoh_status s = status(i.services_.blobs->seal(i.module_, sv(id)));
      if (s != AOH_OK) return s;
      return put(info, i.services_.blobs->find(sv(id))->json().dump());
    });
  }
  static aoh_status blob_stat(const aoh_host* h, aoh_str id, aoh_str bearer, aoh_sink* info) noexcept {
    return run(h, "looking at a blob", [&](InstanceHost& i) -> aoh_status {
      const aoh_status s = readable(i, sv(id), sv(bearer));
      if (s != AOH_OK) return s;
      const auto found = i.services_.blobs->find(sv(id));
      return found->sealed ? put(info, found->json().dump()) : static_cast<aoh_status>(AOH_E_STATE);
    });
  }
  static aoh_status blob_read(const aoh_host* h, aoh_str id, aoh_str bearer, std::uint64_t offset,
                              std::size_t n, aoh_sink* out) noexcept {
    return run(h, "reading a blob", [&](InstanceHost& i) -> aoh_status {
      if (const aoh_status s = readable(i, sv(id), sv(bearer)); s != AOH_OK) return s;
      std::string bytes;
      if (const aoh_status s =
              status(i.services_.blobs->read(sv(id), offset, std::min<std::size_t>(n, 16u << 20), bytes));
          s != AOH_OK)
        return s;
      return put(out, bytes);
    });
  }
  static aoh_status blob_remove(const aoh_host* h, aoh_str id) noexcept {
    return run(h, "removing a blob",
               [&](InstanceHost& i) { return status(i.services_.blobs->remove(i.module_, sv(id))); });
  }

  static aoh_status blob_descriptor(const aoh_host* h, aoh_str id, aoh_str bearer,
                                    std::int32_t* fd) noexcept {
    return run(h, "opening a blob", [&](InstanceHost& i) -> aoh_status {
      if (!fd) return AOH_E_INVALID;
      *fd = -1;
      if (const aoh_status s = readable(i, sv(id), sv(bearer)); s != AOH_OK) return s;
      return status(i.services_.blobs->open(sv(id), *fd));
    });
  }

  static const void* get_service(const aoh_host* h, aoh_str id) noexcept {
    InstanceHost& i = self(h);
    const std::string_view name = sv(id);
    const Services& s = i.services_;
    const bool there = (name == AOH_LOG_ID && s.log) || (name == AOH_CLOCK_ID && s.clock) ||
                       (name == AOH_CREDENTIAL_ID && s.credentials) ||
                       (name == AOH_VAULT_ID && s.vault && s.bearers && s.credentials) ||
                       (name == AOH_STATE_ID && s.state) || (name == AOH_SESSION_ID && s.bearers) ||
                       (name == AOH_BLOB_ID && s.blobs && s.bearers) ||
                       (name == AOH_KNOWLEDGE_ID && s.knowledge && s.blobs && s.bearers) ||
                       (name == AOH_EXTRACT_ID && s.extract && s.blobs && s.bearers) ||
                       (name == AOH_METRICS_ID && s.metrics);
    const bool granted = i.granted_.count(name) != 0;
    if (!there || !granted) {
      run(h, "asking for a service", [&](InstanceHost& who) {
        if (!s.log) return AOH_OK;
        s.log->write(1, who.module_,
                     std::string("the service ") + std::string(name) +
                         (there ? " is not granted: the manifest does not ask for it, or lacks the permission"
                                : " is not there"));
        return AOH_OK;
      });
      return nullptr;
    }
    if (name == AOH_LOG_ID) return &kLog;
    if (name == AOH_CLOCK_ID) return &kClock;
    if (name == AOH_CREDENTIAL_ID) return &kCredential;
    if (name == AOH_VAULT_ID) return &kVault;
    if (name == AOH_STATE_ID) return &kState;
    if (name == AOH_SESSION_ID) return &kSession;
    if (name == AOH_KNOWLEDGE_ID) return &knowledge_table();
    if (name == AOH_EXTRACT_ID) return &extract_table();
    if (name == AOH_METRICS_ID) return &metrics_functions();
    return &kBlob;
  }

  static constexpr aoh_log_v1 kLog{sizeof(aoh_log_v1), 1, log_write};
  static constexpr aoh_clock_v1 kClock{sizeof(aoh_clock_v1), 1, wall, monotonic, schedule, cancel};
  static constexpr aoh_credential_v1 kCredential{sizeof(aoh_credential_v1), 1, credential_get,
                                                 credential_list, on_changed};
  static constexpr aoh_vault_v1 kVault{sizeof(aoh_vault_v1), 1, vault_read, vault_set};
  static constexpr aoh_state_v1 kState{sizeof(aoh_state_v1), 1, state_get, state_apply, state_list};
  static constexpr aoh_session_v1 kSession{sizeof(aoh_session_v1), 1, session_current, session_append};
  static constexpr aoh_blob_v1 kBlob{sizeof(aoh_blob_v1), 2,         blob_create, blob_write,     blob_seal,
                                     blob_stat,           blob_read, blob_remove, blob_descriptor};
};

InstanceHost::InstanceHost(const Services& services, std::string module,
                           std::set<std::string, std::less<>> granted, CredentialTypes types)
    : view_{{sizeof(aoh_host), AOH_ABI_MAJOR, AOH_ABI_MINOR, 0, &Thunks::get_service}, this},
      services_(services),
      module_(std::move(module)),
      granted_(std::move(granted)),
      types_(std::move(types)) {}

InstanceHost::~InstanceHost() { revoke(); }

void InstanceHost::revoke() {
  if (!revoked_.exchange(true) && services_.metrics) services_.metrics->forget(module_);
  std::set<Clock::Id> timers;
  {
    const std::lock_guard lock(timers_mutex_);
    timers.swap(timers_);
  }
  for (const Clock::Id id : timers) services_.clock->cancel(id);
  if (Knowledge* k = knowledge_.exchange(nullptr)) k->abandon_all(module_);
  const std::lock_guard lock(listener_mutex_);
  if (listener_) services_.credentials->unlisten(std::exchange(listener_, 0));
}

const std::set<std::string, std::less<>>& known_services() {
  static const std::set<std::string, std::less<>> ids{
      AOH_LOG_ID,     AOH_CLOCK_ID, AOH_CREDENTIAL_ID, AOH_VAULT_ID,   AOH_STATE_ID,
      AOH_SESSION_ID, AOH_BLOB_ID,  AOH_KNOWLEDGE_ID,  AOH_EXTRACT_ID, AOH_METRICS_ID};
  return ids;
}

}  // namespace aoh::host
