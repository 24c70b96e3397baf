#include "loader/module.hpp"

#include <cstring>
#include <stdexcept>

#include "aoh/extensions/background.h"

namespace aoh::host {
namespace {

// Stand-ins for functions that a module does not have.
aoh_status no_describe(aoh_sink*, aoh_error*) { return AOH_E_UNSUPPORTED; }
aoh_status no_create(const aoh_host*, aoh_str, aoh_instance**, aoh_error*) { return AOH_E_UNSUPPORTED; }
aoh_status no_invoke(aoh_instance*, aoh_str, aoh_str, aoh_call*) { return AOH_E_UNSUPPORTED; }
aoh_status no_credential(aoh_instance*, aoh_str, aoh_call*) { return AOH_E_UNSUPPORTED; }
aoh_status no_start(aoh_instance*, aoh_str, aoh_str, aoh_trigger*, aoh_error*) { return AOH_E_UNSUPPORTED; }
aoh_status no_reconfigure(aoh_instance*, aoh_trigger*, aoh_str, aoh_error*) { return AOH_E_UNSUPPORTED; }
void no_stop(aoh_instance*, aoh_trigger*) {}
void no_quiesce(aoh_instance*, std::int64_t) {}
void no_destroy(aoh_instance*) {}
const void* no_extension(aoh_str) { return nullptr; }

constexpr int kBreachesToQuarantine = 3;

/// An aoh_error on the host's stack.
struct ErrorReceiver {
  aoh_error head{sizeof(aoh_error), 0, &ErrorReceiver::set};
  Outcome outcome;

  static void set(aoh_error* e, aoh_status status, aoh_str message, aoh_str detail) noexcept {
    auto* self = reinterpret_cast<ErrorReceiver*>(e);
    self->outcome.status = status;
    self->outcome.message = valid_utf8(utf8_prefix(view(message), 2048));
    self->outcome.detail_json = std::string(view(detail));
  }
  Outcome done(aoh_status status) {
    outcome.status = status > 0 ? AOH_E_INTERNAL : status;
    if (status != AOH_OK && outcome.message.empty())
      outcome.message = std::string("status ") + status_name(status);
    return outcome;
  }
};

struct ManifestSink {
  aoh_sink head{sizeof(aoh_sink), 0, &ManifestSink::write};
  std::string* out = nullptr;

  static aoh_status write(aoh_sink* s, const void* bytes, std::size_t n) noexcept {
    auto* self = reinterpret_cast<ManifestSink*>(s);
    if (n > AOH_MAX_JSON - self->out->size()) return AOH_E_INVALID;
    if (n) self->out->append(static_cast<const char*>(bytes), n);
    return AOH_OK;
  }
};

}  // namespace

const char* status_name(aoh_status status) {
  static constexpr const char* kNames[] = {
      "AOH_OK",          "AOH_E_INVALID",  "AOH_E_UNSUPPORTED", "AOH_E_DENIED", "AOH_E_NOT_FOUND",
      "AOH_E_CANCELLED", "AOH_E_DEADLINE", "AOH_E_BUSY",        "AOH_E_STATE",  "AOH_E_INTERNAL"};
  return status <= 0 && status >= AOH_E_INTERNAL ? kNames[-status] : kNames[9];
}

aoh_module normalise(const aoh_module& raw) {
  aoh_module m{};
  std::memcpy(static_cast<void*>(&m), &raw, std::min<std::size_t>(raw.struct_size, sizeof m));
  m.struct_size = sizeof m;
  if (!m.describe) m.describe = no_describe;
  if (!m.create) m.create = no_create;
  if (!m.invoke) m.invoke = no_invoke;
  if (!m.credential_test) m.credential_test = no_credential;
  if (!m.credential_authorize) m.credential_authorize = no_credential;
  if (!m.trigger_start) m.trigger_start = no_start;
  if (!m.trigger_reconfigure) m.trigger_reconfigure = no_reconfigure;
  if (!m.trigger_stop) m.trigger_stop = no_stop;
  if (!m.quiesce) m.quiesce = no_quiesce;
  if (!m.destroy) m.destroy = no_destroy;
  if (!m.get_extension) m.get_extension = no_extension;
  return m;
}

/// Holds the lifecycle mutex and remembers who does.
class Module::Lifecycle {
 public:
  explicit Lifecycle(const Module& m) : m_(m) {
    if (m.in_lifecycle_ == std::this_thread::get_id())
      throw std::logic_error(
          "module " + m.manifest().id +
          ": a [lifecycle] function was called from within another one; hand it to another thread");
    m.lifecycle_.lock();
    m.in_lifecycle_ = std::this_thread::get_id();
  }
  ~Lifecycle() {
    m_.in_lifecycle_ = std::thread::id();
    m_.lifecycle_.unlock();
  }
  Lifecycle(const Lifecycle&) = delete;
  Lifecycle& operator=(const Lifecycle&) = delete;

 private:
  const Module& m_;
};

Module::Module(Manifest manifest, std::filesystem::path file, const aoh_module& raw)
    : manifest_(std::move(manifest)), file_(std::move(file)), functions_(normalise(raw)) {}

Outcome Module::describe(std::string& manifest_json) const {
  const Lifecycle lock(*this);
  manifest_json.clear();
  ErrorReceiver error;
  ManifestSink sink;
  sink.out = &manifest_json;
  return error.done(functions_.describe(&sink.head, &error.head));
}

Outcome Module::create(const aoh_host* host, std::string_view config_json) {
  const Lifecycle lock(*this);
  if (instance_.load()) return {AOH_E_STATE, "the module has an instance already", {}};
  ErrorReceiver error;
  aoh_instance* made = nullptr;
  Outcome o = error.done(functions_.create(host, borrow(config_json), &made, &error.head));
  if (o && !made) return {AOH_E_INTERNAL, "create() answered AOH_OK without an instance", {}};
  if (o) instance_ = made;
  return o;
}

Outcome Module::trigger_start(std::string_view source_json, std::string_view cursor, aoh_trigger* trigger) {
  const Lifecycle lock(*this);
  aoh_instance* self = instance_.load();
  if (!self) return {AOH_E_STATE, "the module has no instance", {}};
  ErrorReceiver error;
  return error.done(
      functions_.trigger_start(self, borrow(source_json), borrow(cursor), trigger, &error.head));
}

Outcome Module::trigger_reconfigure(aoh_trigger* trigger, std::string_view source_json) {
  const Lifecycle lock(*this);
  aoh_instance* self = instance_.load();
  if (!self) return {AOH_E_STATE, "the module has no instance", {}};
  ErrorReceiver error;
  return error.done(functions_.trigger_reconfigure(self, trigger, borrow(source_json), &error.head));
}

void Module::trigger_stop(aoh_trigger* trigger) {
  const Lifecycle lock(*this);
  if (aoh_instance* self = instance_.load()) functions_.trigger_stop(self, trigger);
}

void Module::background_start() {
  const Lifecycle lock(*this);
  aoh_instance* self = instance_.load();
  const auto* table =
      static_cast<const aoh_background_v1*>(functions_.get_extension(borrow(AOH_BACKGROUND_ID)));
  if (self && table && AOH_HAS(aoh_background_v1, table, start)) table->start(self);
}

void Module::quiesce(std::int64_t deadline_ns) {
  const Lifecycle lock(*this);
  if (aoh_instance* self = instance_.load()) functions_.quiesce(self, deadline_ns);
}

bool Module::destroy(std::chrono::steady_clock::time_point deadline) {
  close();
  {
    std::unique_lock lock(m_);
    if (!idle_.wait_until(lock, deadline, [&] { return uses_ == 0; })) return false;
  }
  const Lifecycle lock(*this);
  if (aoh_instance* self = instance_.exchange(nullptr)) functions_.destroy(self);
  return true;
}

Module::Use::Use(Module& m) {
  const std::lock_guard lock(m.m_);
  if (m.closing_ || m.quarantined_ || !m.instance_.load()) return;
  ++m.uses_;
  m_ = &m;
}
Module::Use::~Use() {
  if (m_) m_->release();
}
void Module::release() {
  const std::lock_guard lock(m_);
  if (--uses_ == 0) idle_.notify_all();
}
int Module::uses() const {
  const std::lock_guard lock(m_);
  return uses_;
}

int Module::breach(std::string_view what) {
  const int count = ++breaches_;
  if (on_breach) on_breach(*this, what);
  if (count == kBreachesToQuarantine)
    quarantine("it broke the rules of the interface " + std::to_string(count) +
               " times, last: " + std::string(what));
  return count;
}

void Module::quarantine(std::string_view why) {
  {
    const std::lock_guard lock(m_);
    if (quarantined_.exchange(true)) return;
    reason_ = std::string(why);
  }
  if (on_breach) on_breach(*this, "quarantined: " + std::string(why));
}

std::string Module::quarantine_reason() const {
  const std::lock_guard lock(m_);
  return reason_;
}

}  // namespace aoh::host
