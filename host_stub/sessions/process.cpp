#include "sessions/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>

namespace aoh::host {
namespace {

constexpr int kPatienceMs = 15'000;  // the guard needs 2 s for an agent that does not listen, 12 s at most

[[noreturn]] void fail(const char* what, int error) {
  throw std::system_error(error, std::generic_category(), what);
}

/// Above the child's own numbers, so that none is overwritten before it is copied.
Fd high(const Fd& given) {
  const int copy = ::fcntl(given.get(), F_DUPFD_CLOEXEC, 10);
  if (copy < 0) fail("a descriptor for an agent", errno);
  return Fd(copy);
}

struct Ends {
  Fd first, second;
};

Ends pipe_ends() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) fail("a pipe for an agent", errno);
  const Fd first(ends[0]), second(ends[1]);
  return {high(first), high(second)};
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

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Process::Process(const Program& program) {
  Ends in = pipe_ends(), out = pipe_ends(), err = pipe_ends();
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) fail("a socket for an agent", errno);
  Fd ours(pair[0]);
  const Fd other(pair[1]), theirs = high(other);
  for (const int fd : {in.second.get(), out.first.get(), err.first.get(), ours.get()})
    if (::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) fail("a pipe for an agent", errno);

  Actions a;
  int bad = ::posix_spawn_file_actions_addchdir_np(&a.files, program.folder.c_str());
  for (const auto& [from, to] :
       {std::pair{in.first.get(), 0}, {out.second.get(), 1}, {err.second.get(), 2}, {theirs.get(), 3}})
    bad |= ::posix_spawn_file_actions_adddup2(&a.files, from, to);
  bad |= ::posix_spawn_file_actions_addclosefrom_np(&a.files, 4);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  bad |= ::posix_spawnattr_setsigmask(&a.attributes, &none);
  bad |= ::posix_spawnattr_setsigdefault(&a.attributes, &all);
  // A session of its own: what a terminal sends to the host is not for it.
  bad |= ::posix_spawnattr_setflags(&a.attributes,
                                    POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  if (bad != 0) fail("preparing an agent", ENOMEM);
  std::vector<std::string> words{"agent-guard"};
  words.insert(words.end(), program.command.begin(), program.command.end());
  std::vector<std::string> environment = program.environment;
  const auto argv = pointers(words), envp = pointers(environment);
  if (const int error =
          ::posix_spawn(&guard_, program.guard.c_str(), &a.files, &a.attributes, argv.data(), envp.data());
      error != 0)
    fail((program.guard.string() + " in " + program.folder.string()).c_str(), error);
  input = std::move(in.second);
  output = std::move(out.first);
  errors = std::move(err.first);
  guard_socket_ = std::move(ours);
}

std::optional<ProcessEnd> Process::ended() {
  while (!end_ && guard_socket_) {
    char text[64];
    const ssize_t n = ::read(guard_socket_.get(), text, sizeof text);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n > 0) told_.append(text, static_cast<std::size_t>(n));
    const auto newline = told_.find('\n');
    if (n > 0 && newline == std::string::npos) continue;
    ProcessEnd end;
    if (const auto space = told_.find(' '); newline != std::string::npos && space < newline) {
      const std::string_view word = std::string_view(told_).substr(0, space);
      std::from_chars(told_.data() + space + 1, told_.data() + newline, end.code);
      end.how = word == "exit"     ? ProcessEnd::How::exited
                : word == "signal" ? ProcessEnd::How::signalled
                                   : ProcessEnd::How::not_started;
    }
    end_ = end;
  }
  return end_;
}

void Process::stop() {
  if (guard_ <= 0) return;
  input.reset();
  guard_socket_.reset();
  ::kill(guard_, SIGCONT);  // the agent, of the same user, may have halted it
  if (const Fd end(static_cast<int>(::syscall(SYS_pidfd_open, guard_, 0))); end) {
    pollfd on{end.get(), POLLIN, 0};
    int ready = 0;
    do ready = ::poll(&on, 1, kPatienceMs);
    while (ready < 0 && errno == EINTR);
    if (ready == 0) ::kill(guard_, SIGKILL);  // takes the agent along (PR_SET_PDEATHSIG)
  }
  siginfo_t info{};
  while (::waitid(P_PID, static_cast<id_t>(guard_), &info, WEXITED) != 0 && errno == EINTR) {
  }
  guard_ = -1;
}

}  // namespace aoh::host
