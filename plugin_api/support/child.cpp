#include "support/child.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>

#include <cerrno>
#include <system_error>

namespace aoh {
namespace {

constexpr int kFirstCopy =
    10;  // above the child's own numbers, so that none is overwritten before it is copied

[[noreturn]] void fail(const std::string& what, int error) {
  throw std::system_error(error, std::generic_category(), what);
}

struct Actions {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  Actions() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
  }
  ~Actions() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
};

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Fd copy_for_child(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, kFirstCopy);
  if (copy < 0) fail("a descriptor", errno);
  return Fd(copy);
}

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("a pipe", errno);
  const Fd read(ends[0]), write(ends[1]);
  return {copy_for_child(read.get()), copy_for_child(write.get())};
}

pid_t start_child(const ChildStart& start) {
  Actions a;
  int bad = ::posix_spawn_file_actions_addchdir_np(&a.files, start.folder.c_str());
  int to = 0;
  for (const int from : start.descriptors) bad |= ::posix_spawn_file_actions_adddup2(&a.files, from, to++);
  bad |= ::posix_spawn_file_actions_addclosefrom_np(&a.files, to);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  bad |= ::posix_spawnattr_setsigmask(&a.attributes, &none);
  bad |= ::posix_spawnattr_setsigdefault(&a.attributes, &all);
  bad |= ::posix_spawnattr_setflags(&a.attributes,
                                    POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  if (bad != 0) fail("preparing " + start.program, ENOMEM);
  std::vector<std::string> words = start.words, environment = start.environment;
  const auto argv = pointers(words), envp = pointers(environment);
  pid_t pid = -1;
  if (const int error =
          ::posix_spawn(&pid, start.program.c_str(), &a.files, &a.attributes, argv.data(), envp.data());
      error != 0)
    fail(start.program + " in " + start.folder, error);
  return pid;
}

}  // namespace aoh
