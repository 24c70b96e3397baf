// Which files may be loaded: SHA-256 of the library and of its manifest, as `plugins trust` recorded them.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace aoh::host {

/// Lower-case hexadecimal SHA-256 of a file. Throws std::runtime_error that names the file.
std::string sha256_file(const std::filesystem::path& file);

/// The table, a JSON file in the home (trusted.json, 0600), replaced atomically. Not for use by two processes
/// at once: the home's lock sees to that.
class TrustTable {
 public:
  struct Entry {
    std::string id, library_sha256, manifest_sha256,
        library;  ///< library: where it stood when it was trusted
    std::int64_t when_unix_ns = 0;
  };
  /// An absent file is an empty table; a damaged one throws std::runtime_error with the cure.
  explicit TrustTable(std::filesystem::path file);

  /// Records (or replaces) a module's hashes; durable when it returns.
  Entry trust(const std::string& id, const std::filesystem::path& library,
              const std::filesystem::path& manifest);
  bool forget(const std::string& id);
  const Entry* find(const std::string& id) const;
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  void save() const;
  std::filesystem::path file_;
  std::vector<Entry> entries_;
};

/// The build's module folder when the running program stands in a build made for development, that is when
/// <executable>/../../development-build exists: its modules are trusted without a record.
std::optional<std::filesystem::path> development_modules();
/// <executable>/../modules, whether or not it exists.
std::filesystem::path default_modules();

}  // namespace aoh::host
