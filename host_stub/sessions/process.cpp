#include "sessions/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <string_view>
#include <system_error>

#include "support/child.hpp"

namespace aoh::host {
namespace {

constexpr int kPatienceMs = 15'000;  // the guard needs 2 s for an agent that does not listen, 12 s at most

[[noreturn]] void fail(const char* what, int error) {
  throw std::system_error(error, std::generic_category(), what);
}

}  // namespace

Process::Process(const Program& program) {
  Pipe in = make_pipe(), out = make_pipe(), err = make_pipe();
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) fail("a socket for an agent", errno);
  Fd ours(pair[0]);
  const Fd other(pair[1]), theirs = copy_for_child(other.get());
  for (const int fd : {in.write.get(), out.read.get(), err.read.get(), ours.get()})
    if (::fcntl(fd, F_SETFL, O_NONBLOCK) != 0) fail("a pipe for an agent", errno);
  ChildStart start{program.guard,
                   {"agent-guard"},
                   program.environment,
                   program.folder,
                   {in.read.get(), out.write.get(), err.write.get(), theirs.get()}};
  start.words.insert(start.words.end(), program.command.begin(), program.command.end());
  guard_ = start_child(start);
  input = std::move(in.write);
  output = std::move(out.read);
  errors = std::move(err.read);
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
