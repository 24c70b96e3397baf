#include "services/home.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

namespace aoh::host {
namespace {
std::string environment(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets variables here
  return value ? value : "";
}
}  // namespace

std::filesystem::path Home::default_path() {
  if (const auto state = environment("XDG_STATE_HOME"); !state.empty() && state.front() == '/')
    return std::filesystem::path(state) / "host-stub";
  if (const auto home = environment("HOME"); !home.empty())
    return std::filesystem::path(home) / ".local/state/host-stub";
  throw HomeError("neither XDG_STATE_HOME nor HOME is set: say where to keep state with --home DIR");
}

Home::Home(const std::filesystem::path& dir) : dir_(std::filesystem::absolute(dir)) {
  std::error_code ec;
  const bool existed = std::filesystem::exists(dir_, ec);
  std::filesystem::create_directories(dir_, ec);
  if (ec)
    throw HomeError("the home " + dir_.string() + " cannot be made: " + ec.message() +
                    ". Choose another with --home DIR");
  if (!existed) ::chmod(dir_.c_str(), 0700);
  struct stat st {};
  if (::stat(dir_.c_str(), &st) != 0 || !S_ISDIR(st.st_mode))
    throw HomeError("the home " + dir_.string() + " is not a folder");
  if (st.st_mode & (S_IWGRP | S_IWOTH))
    throw HomeError("the home " + dir_.string() +
                    " may be written by others: chmod 700 it, then look at what is in it");
  for (const auto& sub : {blobs(), agents(), blueprints()}) {
    std::filesystem::create_directories(sub, ec);
    if (ec) throw HomeError("the folder " + sub.string() + " cannot be made: " + ec.message());
  }
}

std::optional<HomeLock> HomeLock::take(const Home& home) {
  const int fd = ::open(home.lock_file().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    throw HomeError("the lock " + home.lock_file().string() + " cannot be opened: " + std::strerror(errno) +
                    ". Choose another home with --home DIR");
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return std::nullopt;
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) != 0 || ::write(fd, pid.data(), pid.size()) < 0) {
    // The lock holds without the number; only the words for a second comer are poorer.
  }
  return HomeLock(fd);
}

pid_t HomeLock::holder(const Home& home) {
  const int fd = ::open(home.lock_file().c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  pid_t pid = 0;
  if (::flock(fd, LOCK_SH | LOCK_NB) != 0) {
    char text[32] = {};
    if (::read(fd, text, sizeof text - 1) > 0) pid = static_cast<pid_t>(std::strtol(text, nullptr, 10));
  }
  ::close(fd);
  return pid;
}

HomeLock::~HomeLock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace aoh::host
