// What one module instance sees of the host: an aoh_host with the service tables that its manifest is
// granted.
#pragma once
#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "aoh/module.h"
#include "services/bearers.hpp"
#include "services/blobs.hpp"
#include "services/clock.hpp"
#include "services/credentials.hpp"
#include "services/knowledge.hpp"
#include "services/log.hpp"
#include "services/state.hpp"
#include "services/vault.hpp"

namespace aoh::host {

class Metrics;

/// What a module asks aoh.extract/1 for, its right to the blob looked at already.
struct ExtractRequest {
  std::string module;      ///< who asks
  std::string bearer;      ///< its call; empty: the module itself
  std::string session_id;  ///< of the bearer
  Blobs::Info blob;
  Json wanted;  ///< the request_json, an object
};
struct ExtractOutcome {
  aoh_status status = AOH_OK;
  std::string words;  ///< for a person, unless it went well
  Json result;        ///< as services/extract.h says
};

/// The host's services, each NULL when the host has none. Outlives every instance.
struct Services {
  Log* log = nullptr;
  Clock* clock = nullptr;
  Credentials* credentials = nullptr;
  Vault* vault = nullptr;
  Bearers* bearers = nullptr;
  State* state = nullptr;
  Blobs* blobs = nullptr;
  /// aoh.session/1: the session as JSON; and a note for its ledger, false when there is no such session. May
  /// be empty.
  std::function<std::optional<Json>(const std::string& session_id)> session_info;
  std::function<bool(const std::string& session_id, const Json& entry)> session_append;
  /// Opened when it is first asked for. May throw StoreError.
  std::function<Knowledge&()> knowledge;
  /// aoh.extract/1: blocks; and what can be read.
  std::function<ExtractOutcome(const ExtractRequest&)> extract;
  std::function<Json()> extract_types;
  Metrics* metrics = nullptr;
};

/// The credential types that a module declares, each with the fields of its records that name a credential
/// which goes with it.
using CredentialTypes = std::map<std::string, std::vector<std::string>, std::less<>>;

/// One instance's view. `granted`: service ids it may have; `types`: the credential types it declares. Must
/// live until the module's destroy returned; after revoke() every service answers AOH_E_STATE and no timer of
/// it runs.
class InstanceHost {
 public:
  InstanceHost(const Services& services, std::string module, std::set<std::string, std::less<>> granted,
               CredentialTypes types);
  ~InstanceHost();
  InstanceHost(const InstanceHost&) = delete;
  InstanceHost& operator=(const InstanceHost&) = delete;

  const aoh_host* c() const { return &view_.base; }
  void revoke();

 private:
  friend struct InstanceAccess;
  friend struct Thunks;
  struct View {
    aoh_host base;
    InstanceHost* self;
  };
  View view_;
  const Services& services_;
  const std::string module_;
  const std::set<std::string, std::less<>> granted_;
  const CredentialTypes types_;
  std::atomic<bool> revoked_{false};
  std::atomic<Knowledge*> knowledge_{nullptr};  // once it was used
  std::mutex listener_mutex_;
  int listener_ = 0;
  /// What was read lately, for compare_and_set of a bearer whose call has ended meanwhile.
  struct HandOut {
    std::string credential, field, bearer;
    std::uint64_t version;
  };
  std::mutex handed_mutex_;
  std::deque<HandOut> handed_;
  std::mutex timers_mutex_;
  std::set<Clock::Id> timers_;  // those that may still run or are running
};

/// Ids of the services that this host has: "aoh.log/1" and so on.
const std::set<std::string, std::less<>>& known_services();

}  // namespace aoh::host
