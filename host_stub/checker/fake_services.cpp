// The services of the fake host. Every one answers as its header says, counts faults, and notes what breaks a
// rule.
#include <openssl/sha.h>
#include <sys/mman.h>
#include <unistd.h>

#include "checker/fake_host.hpp"
#include "checker/fake_knowledge.hpp"
#include "checker/fake_metrics.hpp"
#include "loader/module.hpp"

namespace aoh::host::checker {
namespace {

FakeHost& of(const aoh_host* h) { return *static_cast<FakeHost*>(owner_of(h)); }
std::string text(aoh_str s) { return std::string(view(s)); }

aoh_status give(aoh_sink* sink, std::string_view bytes) {
  return sink->write(sink, bytes.data(), bytes.size());
}

std::string sha256(std::string_view bytes) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest);
  std::string hex;
  for (const unsigned char b : digest) {
    hex += "0123456789abcdef"[b >> 4u];
    hex += "0123456789abcdef"[b & 15u];
  }
  return hex;
}

bool is_json_object(std::string_view s) {
  try {
    return Json::parse(s).is_object();
  } catch (const JsonError&) {
    return false;
  }
}

std::string info(const std::string& id, const FakeHost::Blob& b) {
  return Json{{"id", id},
              {"size", b.bytes.size()},
              {"sha256", b.sha256},
              {"mime_type", b.mime_type},
              {"filename", b.filename}}
      .dump();
}

}  // namespace

struct Tables {
  static void fill(FakeHost& h);

  static const void* get_service(const aoh_host* c, aoh_str id) {
    FakeHost& h = of(c);
    const std::string name = text(id);
    {
      const std::lock_guard lock(h.m_);
      h.asked_.insert(name);
    }
    if (h.options_.absent.contains(name)) return nullptr;
    if (h.options_.manifest && !h.options_.manifest->wants_service(name)) return nullptr;
    if (name == AOH_LOG_ID) return h.log_.get();
    if (name == AOH_CLOCK_ID) return h.clock_table_.get();
    if (name == AOH_CREDENTIAL_ID) return h.credential_.get();
    if (name == AOH_VAULT_ID) return h.vault_.get();
    if (name == AOH_STATE_ID) return h.state_table_.get();
    if (name == AOH_SESSION_ID) return h.session_.get();
    if (name == AOH_BLOB_ID) return h.blob_.get();
    if (name == AOH_KNOWLEDGE_ID) return h.knowledge_.get();
    if (name == AOH_EXTRACT_ID) return h.extract_.get();
    if (name == AOH_METRICS_ID) return h.metrics_table_.get();
    return nullptr;
  }

  // aoh.log/1
  static void log_write(const aoh_host* c, std::int32_t level, aoh_str message, aoh_str fields) {
    FakeHost& h = of(c);
    const std::lock_guard lock(h.m_);
    if (h.logs_.size() < 20000) h.logs_.push_back({level, text(message), text(fields)});
  }

  // aoh.clock/1
  static std::int64_t wall_ns(const aoh_host* c) { return of(c).clock_->wall_ns(); }
  static std::int64_t monotonic_ns(const aoh_host* c) { return of(c).clock_->monotonic_ns(); }
  static std::uint64_t schedule(const aoh_host* c, std::int64_t at_ns, void (*fn)(void*), void* arg) {
    FakeHost& h = of(c);
    // The id is noted before the timer can run: its function waits for the lock.
    const auto id = std::make_shared<std::uint64_t>(0);
    const std::lock_guard lock(h.m_);
    *id = h.clock_->schedule(at_ns, [&h, id, fn, arg] {
      {
        const std::lock_guard inner(h.m_);
        h.timers_.erase(*id);
      }
      fn(arg);
    });
    if (*id) h.timers_.insert(*id);
    return *id;
  }
  static int cancel(const aoh_host* c, std::uint64_t id) {
    FakeHost& h = of(c);
    const bool prevented = h.clock_->cancel(id);
    const std::lock_guard lock(h.m_);
    h.timers_.erase(id);
    return prevented ? 1 : 0;
  }

  // aoh.credential/1
  static aoh_status credential_get(const aoh_host* c, aoh_str id, aoh_sink* out) {
    FakeHost& h = of(c);
    if (const aoh_status s = h.fault("credential.get")) return s;
    std::string record;
    {
      const std::lock_guard lock(h.m_);
      const auto it = h.credentials_.find(text(id));
      if (it == h.credentials_.end()) return AOH_E_NOT_FOUND;
      record = it->second.dump();
    }
    return give(out, record);
  }
  static aoh_status credential_list(const aoh_host* c, aoh_sink* out) {
    FakeHost& h = of(c);
    if (const aoh_status s = h.fault("credential.list")) return s;
    Json ids = Json::array();
    {
      const std::lock_guard lock(h.m_);
      for (const auto& [id, record] : h.credentials_)
        ids.push(Json{{"id", id},
                      {"type", record["type"]},
                      {"label", record["label"]},
                      {"version", record["version"]}});
    }
    return give(out, ids.dump());
  }
  static void on_changed(const aoh_host* c, void (*fn)(void*, aoh_str), void* arg) {
    FakeHost& h = of(c);
    const std::lock_guard lock(h.m_);
    h.changed_fn_ = fn;
    h.changed_arg_ = arg;
  }

  // aoh.vault/1
  static aoh_status bearer_ok(FakeHost& h, aoh_str bearer) {
    const std::lock_guard lock(h.m_);
    return h.bearers_.contains(text(bearer)) ? AOH_OK : AOH_E_DENIED;
  }
  static aoh_status vault_read(const aoh_host* c, aoh_str credential, aoh_str field, aoh_str bearer,
                               aoh_sink* out, std::uint64_t* version) {
    FakeHost& h = of(c);
    if (const aoh_status s = h.fault("vault.read")) return s;
    if (const aoh_status s = bearer_ok(h, bearer)) return s;
    FakeHost::Secret secret;
    {
      const std::lock_guard lock(h.m_);
      const auto it = h.secrets_.find(text(credential) + "/" + text(field));
      if (it == h.secrets_.end()) return AOH_E_NOT_FOUND;
      secret = it->second;
    }
    if (version) *version = secret.version;
    return give(out, secret.value);
  }
  static aoh_status vault_cas(const aoh_host* c, aoh_str credential, aoh_str field, aoh_str bearer,
                              std::uint64_t expected, aoh_str value, std::uint64_t* version) {
    FakeHost& h = of(c);
    if (const aoh_status s = h.fault("vault.compare_and_set")) return s;
    if (const aoh_status s = bearer_ok(h, bearer)) return s;
    const std::lock_guard lock(h.m_);
    const std::string key = text(credential) + "/" + text(field);
    const auto it = h.secrets_.find(key);
    if ((it == h.secrets_.end() ? 0 : it->second.version) != expected) return AOH_E_BUSY;
    h.secrets_[key] = {text(value), expected + 1};
    if (version) *version = expected + 1;
    return AOH_OK;
  }

  // aoh.state/1
  static aoh_status state_get(const aoh_host* c, aoh_str key, aoh_sink* out, std::uint64_t* version) {
    FakeHost& h = of(c);
    if (const aoh_status s = h.fault("state.get")) return s;
    std::pair<std::string, std::uint64_t> value;
    {
      const std::lock_guard lock(h.m_);
      const auto it = h.state_.find(text(key));
      if (it == h.state_.end()) return AOH_E_NOT_FOUND;
      value = it->second;
    }
    if (version) *version = value.second;
    return give(out, value.first);
  }
  static aoh_status state_apply(const aoh_host* c, const aoh_state_op* ops, std::size_t n) {
    FakeHost& h = of(c);
    if (const aoh_status s = h.fault("state.apply")) return s;
    if (n > 64) {
      h.breach("state.apply with " + std::to_string(n) + " steps; at most 64 are taken");
      return AOH_E_INVALID;
    }
    const std::lock_guard lock(h.m_);
    for (std::size_t i = 0; i < n; ++i) {
      if (ops[i].key.len == 0 || ops[i].key.len > AOH_STATE_MAX_KEY || ops[i].value.len > AOH_STATE_MAX_VALUE)
        return AOH_E_INVALID;
      const auto it = h.state_.find(text(ops[i].key));
      const std::uint64_t now = it == h.state_.end() ? 0 : it->second.second;
      if (ops[i].expected_version != AOH_STATE_ANY_VERSION && ops[i].expected_version != now)
        return AOH_E_BUSY;
    }
    for (std::size_t i = 0; i < n; ++i) {
      const std::string key = text(ops[i].key);
      if (ops[i].remove) {
        h.state_.erase(key);
      } else {
        auto& value = h.state_[key];
        value = {text(ops[i].value), value.second + 1};
      }
    }
    return AOH_OK;
  }
  static aoh_status state_list(const aoh_host* c, aoh_str prefix, aoh_str after, std::uint32_t limit,
                               aoh_sink* out) {
    FakeHost& h = of(c);
    if (const aoh_status s = h.fault("state.list")) return s;
    Json keys = Json::array();
    {
      const std::lock_guard lock(h.m_);
      for (const auto& [key, value] : h.state_)
        if (key.starts_with(view(prefix)) && (after.len == 0 || key > view(after)) &&
            keys.size() < std::min(limit, 1000u))
          keys.push(Json{{"key", key}, {"version", value.second}});
    }
    return give(out, keys.dump());
  }

  // aoh.session/1
  static aoh_status session_current(const aoh_host* c, aoh_str call_id, aoh_sink* out) {
    FakeHost& h = of(c);
    if (const aoh_status s = h.fault("session.current")) return s;
    if (const aoh_status s = bearer_ok(h, call_id); s) return AOH_E_NOT_FOUND;
    return give(
        out,
        R"({"session_id":"check-session","agent_id":"checker","blueprint":"check","key":"check","state":"running","trigger":{}})");
  }
  static aoh_status session_append(const aoh_host* c, aoh_str, aoh_str entry) {
    FakeHost& h = of(c);
    if (const aoh_status s = h.fault("session.append")) return s;
    if (!is_json_object(view(entry)) || entry.len > (64u << 10)) return AOH_E_INVALID;
    const std::lock_guard lock(h.m_);
    h.ledger_.push_back(text(entry));
    return AOH_OK;
  }

  // aoh.blob/1
  static aoh_status blob_create(const aoh_host* c, aoh_str, aoh_str info_json, aoh_sink* out) {
    FakeHost& h = of(c);
    if (const aoh_status s = h.fault("blob.create")) return s;
    std::string id;
    {
      FakeHost::Blob b;
      if (info_json.len) {
        if (!is_json_object(view(info_json))) return AOH_E_INVALID;
        const Json j = Json::parse(view(info_json));
        b.mime_type = j["mime_type"].str();
        b.filename = j["filename"].str();
      }
      const std::lock_guard lock(h.m_);
      id = "blob-" + std::to_string(h.next_blob_++);
      h.blobs_[id] = std::move(b);
    }
    return give(out, id);
  }
  static aoh_status blob_write(const aoh_host* c, aoh_str id, const void* bytes, std::size_t n) {
    FakeHost& h = of(c);
    if (const aoh_status s = h.fault("blob.write")) return s;
    const std::lock_guard lock(h.m_);
    const auto it = h.blobs_.find(text(id));
    if (it == h.blobs_.end()) return AOH_E_NOT_FOUND;
    if (it->second.sealed) return AOH_E_STATE;
    if (it->second.bytes.size() + n > (256u << 20)) return AOH_E_BUSY;
    it->second.bytes.append(static_cast<const char*>(bytes), n);
    return AOH_OK;
  }
  static aoh_status blob_seal(const aoh_host* c, aoh_str id, aoh_sink* out) {
    FakeHost& h = of(c);
    if (const aoh_status s = h.fault("blob.seal")) return s;
    std::string words;
    {
      const std::lock_guard lock(h.m_);
      const auto it = h.blobs_.find(text(id));
      if (it == h.blobs_.end()) return AOH_E_NOT_FOUND;
      if (it->second.sealed) return AOH_E_STATE;
      it->second.sealed = true;
      it->second.sha256 = sha256(it->second.bytes);
      words = info(it->first, it->second);
    }
    return give(out, words);
  }
  static aoh_status blob_stat(const aoh_host* c, aoh_str id, aoh_str, aoh_sink* out) {
    FakeHost& h = of(c);
    if (const aoh_status s = h.fault("blob.stat")) return s;
    std::string words;
    {
      const std::lock_guard lock(h.m_);
      const auto it = h.blobs_.find(text(id));
      if (it == h.blobs_.end() || !it->second.sealed) return AOH_E_NOT_FOUND;
      words = info(it->first, it->second);
    }
    return give(out, words);
  }
  static aoh_status blob_read(const aoh_host* c, aoh_str id, aoh_str, std::uint64_t offset, std::size_t n,
                              aoh_sink* out) {
    FakeHost& h = of(c);
    if (const aoh_status s = h.fault("blob.read")) return s;
    std::string bytes;
    {
      const std::lock_guard lock(h.m_);
      const auto it = h.blobs_.find(text(id));
      if (it == h.blobs_.end() || !it->second.sealed) return AOH_E_NOT_FOUND;
      if (offset < it->second.bytes.size()) bytes = it->second.bytes.substr(offset, n);
    }
    return give(out, bytes);
  }
  static aoh_status blob_remove(const aoh_host* c, aoh_str id) {
    FakeHost& h = of(c);
    if (const aoh_status s = h.fault("blob.remove")) return s;
    const std::lock_guard lock(h.m_);
    return h.blobs_.erase(text(id)) ? AOH_OK : AOH_E_NOT_FOUND;
  }
  static aoh_status blob_descriptor(const aoh_host* c, aoh_str id, aoh_str, std::int32_t* fd) {
    FakeHost& h = of(c);
    if (const aoh_status s = h.fault("blob.descriptor")) return s;
    const std::lock_guard lock(h.m_);
    const auto it = h.blobs_.find(text(id));
    if (it == h.blobs_.end()) return AOH_E_NOT_FOUND;
    if (!it->second.sealed) return AOH_E_STATE;
    const int made = ::memfd_create("blob", MFD_CLOEXEC);
    std::string_view rest = it->second.bytes;
    while (made >= 0 && !rest.empty()) {
      const ssize_t n = ::write(made, rest.data(), rest.size());
      if (n <= 0) break;
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
    if (made < 0 || !rest.empty() || ::lseek(made, 0, SEEK_SET) != 0) return AOH_E_INTERNAL;
    *fd = made;
    return AOH_OK;
  }
};

void FakeHost::fill_tables() {
  Tables::fill(*this);
  KnowledgeTables::fill(*this);
  MetricsTable::fill(*this);
}

void Tables::fill(FakeHost& h) {
  h.host_->abi_major = AOH_ABI_MAJOR;
  h.host_->abi_minor = h.options_.age == Age::newer ? AOH_ABI_MINOR + 1 : AOH_ABI_MINOR;
  h.host_->get_service = get_service;
  const std::uint32_t revision = h.options_.age == Age::newer ? 2 : 1;
  h.log_->revision = h.clock_table_->revision = h.credential_->revision = h.vault_->revision = revision;
  h.state_table_->revision = h.session_->revision = revision;
  h.blob_->revision = revision + 1;
  h.log_->write = log_write;
  h.clock_table_->wall_ns = wall_ns;
  h.clock_table_->monotonic_ns = monotonic_ns;
  h.clock_table_->schedule = schedule;
  h.clock_table_->cancel = cancel;
  h.credential_->get = credential_get;
  h.credential_->list = credential_list;
  h.credential_->on_changed = on_changed;
  h.vault_->read = vault_read;
  h.vault_->compare_and_set = vault_cas;
  h.state_table_->get = state_get;
  h.state_table_->apply = state_apply;
  h.state_table_->list = state_list;
  h.session_->current = session_current;
  h.session_->append = session_append;
  h.blob_->create = blob_create;
  h.blob_->write = blob_write;
  h.blob_->seal = blob_seal;
  h.blob_->stat = blob_stat;
  h.blob_->read = blob_read;
  h.blob_->remove = blob_remove;
  h.blob_->descriptor = blob_descriptor;
}

}  // namespace aoh::host::checker
