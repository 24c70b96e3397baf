// An agent's process, under the guard that ends all of it (guard/main.cpp).
//
// The agent gets three descriptors, 0, 1 and 2, and nothing else of the host's; the environment that it is
// given; default signals; a process group of its own. It runs as the host's user: what that user may read, it
// may read.
#pragma once
#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "support/fd.hpp"

namespace aoh::host {

struct Program {
  std::filesystem::path guard;           ///< the program agent-guard
  std::vector<std::string> command;      ///< found by PATH of `environment` unless it has a slash
  std::filesystem::path folder;          ///< its working directory
  std::vector<std::string> environment;  ///< all of it, "NAME=value"
};

/// How it ended.
struct ProcessEnd {
  enum class How { exited, signalled, not_started, lost };  ///< lost: the guard itself was killed
  How how = How::lost;
  int code = 0;  ///< exit status, signal, or errno of the start
};

class Process {
 public:
  /// Throws std::system_error when no process can be made. That the program itself cannot be started comes as
  /// its end.
  explicit Process(const Program& program);
  /// Ends all of it (SIGTERM; SIGKILL 2 s later) and waits for that.
  ~Process() { stop(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Its sides of the agent's standard streams, not blocking.
  Fd input, output, errors;
  /// Readable when there may be an end.
  int watch() const { return guard_socket_.get(); }
  /// Reads what watch() has. Not blocking.
  std::optional<ProcessEnd> ended();
  void stop();

 private:
  Fd guard_socket_;
  pid_t guard_ = -1;
  std::string told_;
  std::optional<ProcessEnd> end_;
};

}  // namespace aoh::host
