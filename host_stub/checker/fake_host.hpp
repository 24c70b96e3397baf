// A host in memory, for testing a module without one: every service, a clock that can be turned, faults on
// demand.
//
//   FakeHost host;                                   // or FakeHost({.clock = FakeHost::ClockKind::manual})
//   host.add_credential("work", record, {{"password", "hunter2"}});
//   module.create(host.c(), "{}");
//   FakeCall call(host, {.deadline_in = 5s});
//   module.invoke(..., call.c());  call.wait(5s);  call.result();
//   host.fail("state.apply", 3, AOH_E_INTERNAL);     // the third apply from now on fails
//   host.advance(25min);                             // with the manual clock: timers run on the way
//
// It watches while it serves: rules that the module breaks are in breaches(), what it logged in logs(), the
// services it asked for in asked(). All methods are thread-safe.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "aoh/module.h"
#include "aoh/services/blob.h"
#include "aoh/services/clock.h"
#include "aoh/services/credential.h"
#include "aoh/services/extract.h"
#include "aoh/services/knowledge.h"
#include "aoh/services/log.h"
#include "aoh/services/metrics.h"
#include "aoh/services/session.h"
#include "aoh/services/state.h"
#include "aoh/services/vault.h"
#include "checker/placed.hpp"
#include "loader/manifest.hpp"
#include "services/clock.hpp"
#include "services/metrics.hpp"

namespace aoh::host::checker {

class FakeHost {
 public:
  enum class ClockKind {
    system,
    manual,  ///< stands still until advance()
    fast     ///< a second of the module's time passes in a millisecond
  };
  struct Options {
    Age age = Age::exact;
    ClockKind clock = ClockKind::system;
    std::set<std::string, std::less<>> absent = {};  ///< services that this host does not have
    const Manifest* manifest = nullptr;  ///< services that it does not list are not granted; nullptr: all are
  };
  struct LogLine {
    int level;
    std::string message, fields;
  };
  struct Secret {
    std::string value;
    std::uint64_t version = 1;
  };
  struct Blob {
    std::string bytes, mime_type, filename, sha256;
    bool sealed = false;
  };
  /// One of the knowledge base.
  struct Document {
    Json info;
    std::string text;
  };
  /// What aoh.extract/1 reads: a blob's bytes and the request into text and the members of the result.
  struct Extract {
    aoh_status status = AOH_OK;
    std::string text;
    Json result = Json::object();  ///< pages, truncated, warnings, ...
    std::string words;             ///< when status is not AOH_OK
  };
  using Extractor = std::function<Extract(const Blob& blob, const Json& request)>;

  FakeHost();
  explicit FakeHost(Options options);
  /// After the module's destroy: callbacks that are still registered are dropped.
  ~FakeHost();
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  const aoh_host* c() const { return host_.get(); }
  const Options& options() const { return options_; }

  void add_credential(const std::string& id, Json record, const std::map<std::string, std::string>& secrets);
  /// Says on_changed to the module.
  void credential_changed(const std::string& id);
  /// The `nth` call from now of "service.function" ("vault.read", "state.apply", ...) answers `status` and
  /// does nothing; nth 0: every one.
  void fail(const std::string& function, int nth, aoh_status status);
  /// Manual clock: moves on, running timers at their times on this thread.
  void advance(std::chrono::nanoseconds time);
  Clock& clock() { return *clock_; }
  /// From now on aoh.extract/1 reads these types by `fn`; without it, it reads nothing.
  void offer_extraction(Json types, Extractor fn);

  std::vector<std::string> breaches() const;
  std::vector<LogLine> logs() const;
  std::set<std::string, std::less<>> asked() const;  ///< every id that get_service was asked for
  std::map<std::string, std::string> state() const;
  std::map<std::string, Blob> blobs() const;
  std::map<std::string, Document> documents() const;  ///< of the knowledge base, those committed
  std::map<std::string, Secret> secrets() const;      ///< by "credential/field"
  std::vector<std::string> ledger() const;
  std::size_t pending_timers() const;
  /// Asks the module, as a host does that shows its metrics.
  std::vector<MetricFamily> collect_metrics() { return metrics_.collect(); }
  /// Everything the module may show to others, for the search after secrets: logs, ledger, state, and blobs
  /// are not included.
  std::string everything_said() const;

  // For FakeCall and FakeTrigger.
  void breach(std::string what);
  void said(std::string_view text);
  void add_bearer(const std::string& id);
  void drop_bearer(const std::string& id);
  /// Runs `fn` on the host's own thread, in order.
  void post(std::function<void()> fn, std::chrono::milliseconds delay = {});
  /// 0, or the status that fail() asks for at this point.
  aoh_status fault(const std::string& function);

 private:
  friend struct Tables;
  friend struct KnowledgeTables;
  friend struct MetricsTable;
  struct Fault {
    std::string function;
    int nth;
    aoh_status status;
  };
  void fill_tables();  // fake_services.cpp
  void pump();
  void run_fast();

  const Options options_;
  Redactor redactor_;
  Metrics metrics_{redactor_};
  std::unique_ptr<Clock> clock_;
  mutable std::mutex m_;  // guards everything below
  std::vector<std::string> breaches_, ledger_;
  std::vector<LogLine> logs_;
  std::string said_;
  std::set<std::string, std::less<>> asked_, bearers_;
  std::map<std::string, std::pair<std::string, std::uint64_t>> state_;
  std::map<std::string, Json> credentials_;
  std::map<std::string, Secret> secrets_;
  std::map<std::string, Blob> blobs_;
  std::map<std::string, Document> documents_;
  std::map<std::uint64_t, std::pair<std::string, Document>> begun_;
  std::uint64_t next_document_ = 1;
  Json extract_types_ = Json{{"mime_types", Json::array()}, {"extensions", Json::array()}};
  Extractor extractor_;
  std::vector<Fault> faults_;
  std::set<std::uint64_t> timers_;
  std::uint64_t next_blob_ = 1;
  void (*changed_fn_)(void*, aoh_str) = nullptr;
  void* changed_arg_ = nullptr;
  std::multimap<std::chrono::steady_clock::time_point, std::function<void()>> posted_;
  std::condition_variable wake_;
  bool stopping_ = false;

  Placed<aoh_host> host_;
  Placed<aoh_log_v1> log_;
  Placed<aoh_clock_v1> clock_table_;
  Placed<aoh_credential_v1> credential_;
  Placed<aoh_vault_v1> vault_;
  Placed<aoh_state_v1> state_table_;
  Placed<aoh_session_v1> session_;
  Placed<aoh_blob_v1> blob_;
  Placed<aoh_knowledge_v1> knowledge_;
  Placed<aoh_extract_v1> extract_;
  Placed<aoh_metrics_v1> metrics_table_;
  std::thread pump_, fast_;
};

}  // namespace aoh::host::checker
