// Durable key-value state of modules (aoh.state/1), and the records that people look at in it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/store.hpp"
#include "support/json.hpp"

namespace aoh::host {

/// Thread-safe. Versions come from one counter, so that a key that was removed and made again has a new one.
class State {
 public:
  explicit State(Db& db);

  struct Value {
    std::string text;
    std::uint64_t version = 0;
  };
  struct Op {
    std::string_view key, value;
    std::uint64_t expected_version;  ///< 0: absent; UINT64_MAX: whatever
    bool remove = false;
  };
  std::optional<Value> get(std::string_view module, std::string_view key) const;
  /// All or none; false when an expected version was not there. Fault point state.apply, whose detail holds
  /// each key, and for outbox records "key:state"; it is passed before the write and, as state.applied, after
  /// it.
  bool apply(std::string_view module, const std::vector<Op>& ops);
  /// Keys with versions, in byte order.
  std::vector<std::pair<std::string, std::uint64_t>> list(std::string_view module, std::string_view prefix,
                                                          std::string_view after, std::size_t limit) const;
  /// What modules note about a credential for people, each with "module" added.
  std::vector<Json> attention(std::string_view credential) const;
  /// For a credential that is gone: another of that name begins without.
  void forget_attention(std::string_view credential);
  /// Every module's outbox records, oldest first, each with "module" added.
  std::vector<Json> outbox() const;
  /// Every module's records below "links/", likewise.
  std::vector<Json> links() const;
  /// Ends an uncertain record by a human's word ("sent" or "failed"). An empty string when done, else why
  /// not.
  std::string resolve_outbox(std::string_view id, std::string_view state, std::string_view by,
                             std::int64_t now_unix_ns);

 private:
  std::vector<Json> records(std::string_view from, std::string_view to) const;
  Db& db_;
};

}  // namespace aoh::host
