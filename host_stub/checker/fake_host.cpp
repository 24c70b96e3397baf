#include "checker/fake_host.hpp"

#include "loader/module.hpp"

namespace aoh::host::checker {

FakeHost::FakeHost() : FakeHost(Options{}) {}

FakeHost::FakeHost(Options options)
    : options_(std::move(options)),
      host_("aoh_host", options_.age, this),
      log_("aoh_log_v1", options_.age, this),
      clock_table_("aoh_clock_v1", options_.age, this),
      credential_("aoh_credential_v1", options_.age, this),
      vault_("aoh_vault_v1", options_.age, this),
      state_table_("aoh_state_v1", options_.age, this),
      session_("aoh_session_v1", options_.age, this),
      blob_("aoh_blob_v1", options_.age, this),
      knowledge_("aoh_knowledge_v1", options_.age, this),
      extract_("aoh_extract_v1", options_.age, this),
      metrics_table_("aoh_metrics_v1", options_.age, this) {
  if (options_.clock == ClockKind::system)
    clock_ = std::make_unique<SystemClock>();
  else
    clock_ = std::make_unique<VirtualClock>();
  fill_tables();
  pump_ = std::thread([this] { pump(); });
  if (options_.clock == ClockKind::fast) fast_ = std::thread([this] { run_fast(); });
}

FakeHost::~FakeHost() {
  {
    const std::lock_guard lock(m_);
    stopping_ = true;
    wake_.notify_all();
  }
  if (fast_.joinable()) fast_.join();
  clock_->stop();
  pump_.join();
}

void FakeHost::pump() {
  std::unique_lock lock(m_);
  while (!stopping_) {
    if (posted_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const auto first = posted_.begin();
    if (const auto at = first->first; at > std::chrono::steady_clock::now()) {
      wake_.wait_until(lock, at);
      continue;
    }
    const auto fn = std::move(first->second);
    posted_.erase(first);
    lock.unlock();
    fn();
    lock.lock();
  }
}

void FakeHost::run_fast() {
  std::unique_lock lock(m_);
  while (!stopping_) {
    wake_.wait_for(lock, std::chrono::milliseconds(1), [this] { return stopping_; });
    lock.unlock();
    static_cast<VirtualClock&>(*clock_).advance(1'000'000'000);
    lock.lock();
  }
}

void FakeHost::post(std::function<void()> fn, std::chrono::milliseconds delay) {
  const std::lock_guard lock(m_);
  posted_.emplace(std::chrono::steady_clock::now() + delay, std::move(fn));
  wake_.notify_all();
}

void FakeHost::advance(std::chrono::nanoseconds time) {
  static_cast<VirtualClock&>(*clock_).advance(time.count());
}

void FakeHost::add_credential(const std::string& id, Json record,
                              const std::map<std::string, std::string>& secrets) {
  const std::lock_guard lock(m_);
  record.set("id", id).set("version", 1);
  credentials_[id] = std::move(record);
  for (const auto& [field, value] : secrets) secrets_[id + "/" + field] = {value, 1};
}

void FakeHost::credential_changed(const std::string& id) {
  std::unique_lock lock(m_);
  const auto fn = changed_fn_;
  void* const arg = changed_arg_;
  lock.unlock();
  if (fn) fn(arg, borrow(id));
}

void FakeHost::fail(const std::string& function, int nth, aoh_status status) {
  const std::lock_guard lock(m_);
  faults_.push_back({function, nth, status});
}

aoh_status FakeHost::fault(const std::string& function) {
  const std::lock_guard lock(m_);
  for (auto f = faults_.begin(); f != faults_.end(); ++f) {
    if (f->function != function) continue;
    if (f->nth == 0) return f->status;
    if (--f->nth > 0) continue;
    const aoh_status status = f->status;
    faults_.erase(f);
    return status;
  }
  return AOH_OK;
}

void FakeHost::breach(std::string what) {
  const std::lock_guard lock(m_);
  if (breaches_.size() < 100) breaches_.push_back(std::move(what));
}
void FakeHost::said(std::string_view text) {
  const std::lock_guard lock(m_);
  if (said_.size() < (64u << 20)) said_.append(text).append("\n");
}
void FakeHost::add_bearer(const std::string& id) {
  const std::lock_guard lock(m_);
  bearers_.insert(id);
}
void FakeHost::drop_bearer(const std::string& id) {
  const std::lock_guard lock(m_);
  bearers_.erase(id);
}

std::vector<std::string> FakeHost::breaches() const {
  const std::lock_guard lock(m_);
  return breaches_;
}
std::vector<FakeHost::LogLine> FakeHost::logs() const {
  const std::lock_guard lock(m_);
  return logs_;
}
std::set<std::string, std::less<>> FakeHost::asked() const {
  const std::lock_guard lock(m_);
  return asked_;
}
std::map<std::string, std::string> FakeHost::state() const {
  const std::lock_guard lock(m_);
  std::map<std::string, std::string> out;
  for (const auto& [key, value] : state_) out[key] = value.first;
  return out;
}
std::map<std::string, FakeHost::Blob> FakeHost::blobs() const {
  const std::lock_guard lock(m_);
  return blobs_;
}
std::map<std::string, FakeHost::Document> FakeHost::documents() const {
  const std::lock_guard lock(m_);
  return documents_;
}
void FakeHost::offer_extraction(Json types, Extractor fn) {
  const std::lock_guard lock(m_);
  extract_types_ = std::move(types);
  extractor_ = std::move(fn);
}
std::map<std::string, FakeHost::Secret> FakeHost::secrets() const {
  const std::lock_guard lock(m_);
  return secrets_;
}
std::vector<std::string> FakeHost::ledger() const {
  const std::lock_guard lock(m_);
  return ledger_;
}
std::size_t FakeHost::pending_timers() const {
  const std::lock_guard lock(m_);
  return timers_.size();
}
std::string FakeHost::everything_said() const {
  const std::lock_guard lock(m_);
  std::string out = said_;
  for (const LogLine& l : logs_) out += l.message + "\n" + l.fields + "\n";
  for (const auto& entry : ledger_) out += entry + "\n";
  for (const auto& [key, value] : state_) out += key + "\n" + value.first + "\n";
  return out;
}

}  // namespace aoh::host::checker
