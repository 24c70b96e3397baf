// Reading files and folders that a tool's arguments name.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::host {

/// The whole regular file. With `root`, `path` is resolved beneath it, symbolic links included (openat2 with
/// RESOLVE_BENEATH: nothing outside can be reached, whatever the links say); an absolute path must begin with
/// the root. Without, the path is taken as the person at the command line wrote it. Throws Failure:
/// not_found, refused (outside of root, not readable, not a regular file), limit (more than `max_bytes`).
/// Blocks on the disk.
/// `field` is what errors call the root: the configuration's member.
std::string read_file(std::string_view path, std::string_view root, std::size_t max_bytes,
                      std::string_view field = "files_root");

/// The names in a folder beneath `root` ("." is the root itself), sorted, without those that begin with a
/// dot; at most `max_names` of them, the first that the system gives. Resolved and refused as by read_file().
std::vector<std::string> list_folder(std::string_view path, std::string_view root, std::size_t max_names,
                                     std::string_view field);

/// A regular file, open for reading piece by piece; the same rules. Movable; one thread at a time.
class OpenFile {
 public:
  OpenFile(std::string_view path, std::string_view root, std::string_view field = "files_root");
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile();

  /// Bytes it had when it was opened.
  std::uint64_t size() const { return size_; }
  /// `n` bytes from `offset` on, fewer at the end only. Throws Failure(refused).
  std::string read(std::uint64_t offset, std::size_t n) const;

 private:
  int fd_ = -1;
  std::uint64_t size_ = 0;
  std::string where_, field_;
};

}  // namespace mailroom::host
