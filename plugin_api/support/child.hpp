// Starting another program so that it has of its parent what it is given, and nothing else.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "support/fd.hpp"

namespace aoh {

struct Pipe {
  Fd read, write;
};
/// A pipe as start_child() needs it: closed on exec. Throws std::system_error.
Pipe make_pipe();
/// A copy of `fd` with a number that no child's own descriptor has. Throws std::system_error.
Fd copy_for_child(int fd);

struct ChildStart {
  std::string program;                   ///< its path
  std::vector<std::string> words;        ///< argv, its own name first
  std::vector<std::string> environment;  ///< all of it, "NAME=value"
  std::string folder;                    ///< its working directory
  std::vector<int> descriptors;          ///< become 0, 1, 2 ...: at most 10, from make_pipe or copy_for_child
};
/// Starts it with those descriptors alone, default signals, none blocked, and a session of its own: what a
/// terminal sends to the parent is not for it. The caller waits for it. Throws std::system_error that names
/// the program. Thread-safe.
pid_t start_child(const ChildStart& start);

}  // namespace aoh
