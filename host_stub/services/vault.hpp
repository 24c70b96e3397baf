// Secrets at rest, sealed with AES-256-GCM, and the audit of who was handed which.
#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "services/clock.hpp"
#include "services/log.hpp"
#include "services/store.hpp"
#include "support/json.hpp"
#include "support/secret.hpp"

namespace aoh::host {

/// The vault cannot be opened; what() says why and what to do, never a secret.
struct VaultError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Thread-safe. The key comes from the environment variable AOH_VAULT_KEY (32 bytes in base64), else from the
/// key file (0600, made with random bytes on first use); it is read when the first secret is, not before.
class Vault {
 public:
  Vault(Db& db, std::filesystem::path key_file, const Clock& clock, Redactor& redactor);

  struct Entry {
    Secret secret;
    std::uint64_t version = 0;
  };
  /// Empty when there is none. Throws VaultError when it cannot be opened: wrong key, or tampered with.
  std::optional<Entry> read(std::string_view credential, std::string_view field);
  /// Writes whatever was there; the new version: versions come from one counter, so that one never comes
  /// again, and what was sealed under it does not open in its place, not even after a removal. Durable when
  /// it returns.
  std::uint64_t put(std::string_view credential, std::string_view field, const Secret& value);
  /// Empty when the version is not `expected` (0: absent).
  std::optional<std::uint64_t> compare_and_set(std::string_view credential, std::string_view field,
                                               std::uint64_t expected, const Secret& value);
  void remove_all(std::string_view credential);
  /// The names of the fields that have a value.
  std::vector<std::string> fields(std::string_view credential);

  /// Records a hand-out, without the value. outcome: "given", "denied", "missing".
  void audit(std::string_view module, std::string_view credential, std::string_view field,
             std::string_view bearer, std::string_view outcome);
  /// The newest entries first, of one credential or all: {"when_unix_ns", "module", "credential_id", "field",
  /// "bearer", "outcome"}.
  Json audit_entries(int limit, std::string_view credential = {});

 private:
  const Secret& key();
  std::string seal(std::string_view credential, std::string_view field, std::uint64_t version,
                   std::string_view plain);
  Secret open(std::string_view credential, std::string_view field, std::uint64_t version,
              std::string_view sealed);

  Db& db_;
  const std::filesystem::path key_file_;
  const Clock& clock_;
  Redactor& redactor_;
  std::mutex key_mutex_;
  Secret key_;
};

}  // namespace aoh::host
