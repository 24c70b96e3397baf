// agent-guard PROGRAM [ARGUMENT...]: stands between the host and an agent, so that nothing of the agent
// outlives its turn.
//
// Descriptors: 0, 1, 2 go to the agent; 3 is a socket to the host. The host says that it is over by closing
// its side, which its death does too, whatever killed it. Then, or when the agent has ended, all that the
// agent started goes, also what moved into a session of its own: the kernel gives orphans to this process
// (PR_SET_CHILD_SUBREAPER). At the host's word: SIGTERM to the agent's process group, SIGKILL to all
// kGrace later. After the agent's own end: SIGKILL to what is left.
//
// On 3 comes one line: "exit N", "signal N", or "start ERRNO" when the program could not be started.
// One thread, no allocation that matters, no library: it does nothing else.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kHost = 3;
constexpr int kGraceMs = 2000;
constexpr int kGiveUpMs = 10'000;  // a process that the kernel does not let die holds nobody for longer

long now_ms() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000 + t.tv_nsec / 1'000'000;
}

void tell(const char* what, int number) {
  char line[64];
  const int n = std::snprintf(line, sizeof line, "%s %d\n", what, number);
  // The host may be gone.
  (void)!::send(kHost, line, static_cast<size_t>(n), MSG_NOSIGNAL);
}

/// SIGKILL to every child, orphans that were given to us included.
void kill_children() {
  DIR* proc = ::opendir("/proc");
  if (proc == nullptr) return;
  const pid_t self = ::getpid();
  while (const dirent* entry = ::readdir(proc)) {  // NOLINT(concurrency-mt-unsafe): one thread
    const pid_t pid = std::atoi(entry->d_name);
    if (pid <= 1) continue;
    char path[64], text[512];
    std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) continue;
    const ssize_t n = ::read(fd, text, sizeof text - 1);
    ::close(fd);
    if (n <= 0) continue;
    text[n] = 0;
    // "PID (NAME) STATE PPID ...", where NAME may hold anything.
    const char* after = std::strrchr(text, ')');
    int parent = 0;
    if (after != nullptr && std::sscanf(after + 1, " %*c %d", &parent) == 1 && parent == self)
      ::kill(pid, SIGKILL);
  }
  ::closedir(proc);
}

/// Starts the agent in a process group of its own; its number, or -1 after having told why not.
pid_t start(char** command) {
  int error_pipe[2];
  if (::pipe2(error_pipe, O_CLOEXEC) != 0) {
    tell("start", errno);
    return -1;
  }
  const pid_t guard = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != guard) ::_exit(127);
    ::close(kHost);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execvp(command[0], command);
    const int error = errno;
    (void)!::write(error_pipe[1], &error, sizeof error);
    ::_exit(127);
  }
  const int fork_error = errno;
  ::close(error_pipe[1]);
  if (pid < 0) {
    tell("start", fork_error);
    return -1;
  }
  ::setpgid(pid, pid);  // here, too: whoever comes first
  int error = 0;
  ssize_t n = 0;
  do n = ::read(error_pipe[0], &error, sizeof error);
  while (n < 0 && errno == EINTR);
  ::close(error_pipe[0]);
  if (n == static_cast<ssize_t>(sizeof error)) {
    ::waitpid(pid, nullptr, 0);
    tell("start", error);
    return -1;
  }
  return pid;
}

/// Reaps what has ended; tells of the agent. True while there are children.
bool reap(pid_t agent, bool& ended) {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid == 0) return true;
    if (pid < 0) return false;
    if (pid != agent || ended) continue;
    ended = true;
    if (WIFSIGNALED(status))
      tell("signal", WTERMSIG(status));
    else
      tell("exit", WEXITSTATUS(status));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t mask;
  ::sigfillset(&mask);
  ::sigprocmask(SIG_SETMASK, &mask, nullptr);
  ::sigemptyset(&mask);
  ::sigaddset(&mask, SIGCHLD);
  const int signals = ::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
  ::fcntl(kHost, F_SETFD, FD_CLOEXEC);
  const pid_t agent = start(argv + 1);
  if (agent < 0) ::_exit(1);
  // The agent's pipes must end with the agent.
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd <= 2; ++fd)
    if (nothing < 0 || ::dup2(nothing, fd) < 0) ::close(fd);

  bool ended = false, over = false, left = true;
  long kill_at = 0, give_up_at = 0;
  while (left) {
    const long now = now_ms();
    const bool killing = ended || (over && now >= kill_at);
    if (killing) {
      if (give_up_at == 0) give_up_at = now + kGiveUpMs;
      if (now >= give_up_at) break;
      ::kill(-agent, SIGKILL);
      kill_children();
    }
    pollfd on[2] = {{signals, POLLIN, 0}, {over ? -1 : kHost, POLLIN, 0}};
    // While killing: a child that was born meanwhile becomes ours only when its parent has ended.
    ::poll(on, 2, killing ? 20 : over ? static_cast<int>(kill_at - now) : -1);
    signalfd_siginfo info;
    while (::read(signals, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    }
    if (on[1].revents != 0) {
      over = true;
      kill_at = now_ms() + kGraceMs;
      if (!ended) ::kill(-agent, SIGTERM);
    }
    left = reap(agent, ended);
  }
  ::_exit(0);
}
