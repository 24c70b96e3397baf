// The folder that holds everything the host remembers, and the lock that says who works in it.
#pragma once
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace aoh::host {

/// The home cannot be used; what() says why and what to do.
struct HomeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Home {
 public:
  /// Makes the folder (0700) if it is missing. Refuses one that others may write to.
  explicit Home(const std::filesystem::path& dir);
  /// $XDG_STATE_HOME/host-stub, else $HOME/.local/state/host-stub; without either, HomeError that names
  /// --home.
  static std::filesystem::path default_path();

  const std::filesystem::path& dir() const { return dir_; }
  std::filesystem::path db() const { return dir_ / "host.db"; }
  std::filesystem::path knowledge() const { return dir_ / "knowledge.db"; }
  std::filesystem::path blobs() const { return dir_ / "blobs"; }
  std::filesystem::path vault_key() const { return dir_ / "vault.key"; }
  std::filesystem::path lock_file() const { return dir_ / "lock"; }
  std::filesystem::path socket() const { return dir_ / "socket"; }
  std::filesystem::path log() const { return dir_ / "host.log"; }
  std::filesystem::path agents() const { return dir_ / "agents"; }
  std::filesystem::path rules() const { return dir_ / "rules.yaml"; }
  std::filesystem::path blueprints() const { return dir_ / "blueprints"; }

 private:
  std::filesystem::path dir_;
};

/// Held by the one process that works in a home (`run`, or a verb while no `run` is up). Goes with the
/// process, however it ends.
class HomeLock {
 public:
  /// Empty when another process holds it.
  static std::optional<HomeLock> take(const Home& home);
  /// The process that holds it, as it wrote itself down; 0 if nobody or unknown.
  static pid_t holder(const Home& home);
  HomeLock(HomeLock&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  HomeLock& operator=(HomeLock&&) = delete;
  ~HomeLock();

 private:
  explicit HomeLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace aoh::host
