// Large content by handle (aoh.blob/1): files below the home, their facts in the store.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "services/store.hpp"
#include "support/json.hpp"

namespace aoh::host {

/// Thread-safe. What was not sealed when the process ended is removed at the next start.
class Blobs {
 public:
  static constexpr std::uint64_t kDefaultQuota = 2ull << 30;  ///< bytes of all blobs together
  Blobs(Db& db, std::filesystem::path folder, std::uint64_t quota = kDefaultQuota);
  ~Blobs();

  enum class Fault { none, not_found, state, quota, io };
  struct Info {
    std::string id, module, session, mime_type, filename, sha256;
    std::uint64_t size = 0;
    bool sealed = false;
    Json json() const;
  };
  /// `session` empty: the module owns it.
  std::string create(std::string_view module, std::string_view session, std::string_view mime_type,
                     std::string_view filename, std::int64_t now_unix_ns);
  Fault write(std::string_view module, std::string_view id, std::string_view bytes);
  Fault seal(std::string_view module, std::string_view id);
  std::optional<Info> find(std::string_view id) const;
  /// At most n bytes from offset, of a sealed blob.
  Fault read(std::string_view id, std::uint64_t offset, std::size_t n, std::string& out) const;
  /// A new descriptor of a sealed blob's file: read-only, close-on-exec, the caller's.
  Fault open(std::string_view id, int& fd) const;
  Fault remove(std::string_view module, std::string_view id);

 private:
  struct Open;
  Db& db_;
  const std::filesystem::path folder_;
  const std::uint64_t quota_;
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Open>, std::less<>> open_;
  std::uint64_t used_ = 0;
};

}  // namespace aoh::host
