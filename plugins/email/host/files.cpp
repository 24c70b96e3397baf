#include "host/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#include "base/error.hpp"

namespace mailroom::host {
namespace {

struct Fd {
  int fd = -1;
  ~Fd() {
    if (fd >= 0) ::close(fd);
  }
};

std::string reason(int error) { return std::error_code(error, std::generic_category()).message(); }

[[noreturn]] void fail(int error, const std::string& where, std::string_view field) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      throw Failure(Errc::not_found, "there is no such file", where, "Check the path");
    case EXDEV:
    case ELOOP:
      throw Failure(Errc::refused, "the path leads out of " + std::string(field), where,
                    "Name a file below " + std::string(field));
    case ENOSYS:
      throw Failure(Errc::unsupported, "this kernel cannot resolve paths safely (openat2)", where,
                    "Use blobs, or Linux 5.6 or later");
    default:
      throw Failure(Errc::refused, "the file cannot be opened: " + reason(error), where,
                    "Check the path, and that the host may read it");
  }
}

int open_beneath(std::string_view path, std::string_view root, const std::string& where,
                 std::string_view field, std::uint64_t flags = 0) {
  while (root.size() > 1 && root.ends_with('/')) root.remove_suffix(1);
  if (path.starts_with('/')) {
    if (!path.starts_with(root) || (path.size() > root.size() && path[root.size()] != '/' && root != "/"))
      fail(EXDEV, where, field);
    path.remove_prefix(root.size());
    while (path.starts_with('/')) path.remove_prefix(1);
  }
  const std::string root_z(root), path_z(path.empty() ? "." : path);
  Fd dir{::open(root_z.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (dir.fd < 0)
    throw Failure(Errc::config, std::string(field) + " cannot be opened: " + reason(errno), root_z,
                  "Make the folder, or change " + std::string(field));
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(::syscall(SYS_openat2, dir.fd, path_z.c_str(), &how, sizeof how));
}

}  // namespace

OpenFile::OpenFile(std::string_view path, std::string_view root, std::string_view field)
    : where_(printable(path, 300)), field_(field) {
  if (path.empty() || path.find('\0') != std::string_view::npos)
    throw Failure(Errc::invalid, "the path is empty or has a NUL", where_, "Name a file");
  // O_NONBLOCK: a FIFO must not hold the thread; it is refused below.
  Fd file{root.empty() ? ::open(std::string(path).c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
                       : open_beneath(path, root, where_, field)};
  if (file.fd < 0) fail(errno, where_, field);
  struct stat st {};
  if (::fstat(file.fd, &st) != 0) fail(errno, where_, field);
  if (!S_ISREG(st.st_mode))
    throw Failure(Errc::refused, "this is not a regular file", where_,
                  "Name a file, not a folder or a device");
  size_ = static_cast<std::uint64_t>(st.st_size);
  fd_ = std::exchange(file.fd, -1);
}

OpenFile::OpenFile(OpenFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      size_(other.size_),
      where_(std::move(other.where_)),
      field_(std::move(other.field_)) {}

OpenFile::~OpenFile() {
  if (fd_ >= 0) ::close(fd_);
}

std::string OpenFile::read(std::uint64_t offset, std::size_t n) const {
  std::string out(n, '\0');
  std::size_t have = 0;
  while (have < n) {
    const ssize_t got = ::pread(fd_, out.data() + have, n - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(errno, where_, field_);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  out.resize(have);
  return out;
}

std::string read_file(std::string_view path, std::string_view root, std::size_t max_bytes,
                      std::string_view field) {
  const OpenFile file(path, root, field);
  if (file.size() > max_bytes)
    throw Failure(Errc::limit, "the file has more than " + std::to_string(max_bytes) + " bytes",
                  printable(path, 300));
  return file.read(0, static_cast<std::size_t>(file.size()));
}

std::vector<std::string> list_folder(std::string_view path, std::string_view root, std::size_t max_names,
                                     std::string_view field) {
  const std::string where = printable(path, 300);
  Fd fd{open_beneath(path, root, where, field, O_DIRECTORY)};
  if (fd.fd < 0) fail(errno, where, field);
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(fd.fd), &::closedir);
  if (!dir) fail(errno, where, field);
  fd.fd = -1;  // the stream closes it
  std::vector<std::string> out;
  while (out.size() < max_names) {
    const dirent* entry = ::readdir(dir.get());
    if (!entry) break;
    if (entry->d_name[0] != '.') out.emplace_back(entry->d_name);
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace mailroom::host
