// Credential records. What is secret in them lies in the vault.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/store.hpp"
#include "services/vault.hpp"
#include "support/json.hpp"

namespace aoh::host {

/// Thread-safe. Records are objects with at least "id" and "type"; the store adds "version".
class Credentials {
 public:
  Credentials(Db& db, Vault& vault);

  /// Adds or replaces a record; secrets: field to value, those not named stay. One transaction. Tells those
  /// who listen.
  void put(const Json& record, const std::map<std::string, Secret>& secrets);
  std::optional<Json> get(std::string_view id) const;
  std::vector<Json> list() const;  ///< by id; none that is only tried
  /// The record and its secrets. False when there was none.
  bool remove(std::string_view id);

  /// Its secrets alone; the record stays. False when there were none.
  bool forget_secrets(std::string_view id);

  /// The record under a name of its own that no list shows, for trying it before it is stored: with the
  /// secrets of `record`'s id, those of `secrets` in their place. Gives that name. One at a time for each id.
  std::string stage(const Json& record, const std::map<std::string, Secret>& secrets);
  /// Takes it back. What its module wrote into it meanwhile (a rotated token) goes to `id`, if that is on
  /// record, and into `secrets`: the older one may no longer work.
  void unstage(const std::string& id, std::map<std::string, Secret>& secrets);

  /// `fn` is called with the id after each change, on the thread that made it. The number undoes it.
  int listen(std::function<void(const std::string&)> fn);
  void unlisten(int number);            ///< waits for a running call
  void changed(const std::string& id);  ///< for changes made elsewhere: a rotated token

 private:
  Db& db_;
  Vault& vault_;
  std::recursive_mutex listeners_mutex_;
  std::map<int, std::function<void(const std::string&)>> listeners_;
  int next_ = 1;
  std::mutex staged_mutex_;
  std::map<std::string, std::map<std::string, std::uint64_t>> staged_;  ///< by id: versions by field
};

}  // namespace aoh::host
