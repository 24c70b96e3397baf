#include "sandbox/child.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <system_error>

#include "base/error.hpp"
#include "support/child.hpp"

namespace mailroom::documents {
namespace {

using aoh::Fd;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
constexpr milliseconds kGrace{2000};  // between the end of the output and that of the process

[[noreturn]] void fail(const char* what, int error) {
  throw Failure(Errc::internal,
                std::string("a parser cannot be started: ") + what + ": " +
                    std::error_code(error, std::generic_category()).message(),
                "documents", "Look at the host's limits for processes, descriptors and temporary files");
}

// Fresh and empty; removed at the end. The parser may not write there, so it stays empty.
class WorkingDirectory {
 public:
  explicit WorkingDirectory(const std::string& below) : path_(below + "/mailroom-parser-XXXXXX") {
    if (!::mkdtemp(path_.data())) fail("a working directory", errno);
  }
  ~WorkingDirectory() { ::rmdir(path_.c_str()); }
  WorkingDirectory(const WorkingDirectory&) = delete;
  WorkingDirectory& operator=(const WorkingDirectory&) = delete;
  const char* path() const { return path_.c_str(); }

 private:
  std::string path_;
};

pid_t spawn(const Job& job, const WorkingDirectory& cwd, std::array<int, 3> ends) {
  try {
    const Fd document = aoh::copy_for_child(job.document);
    return aoh::start_child({job.program,
                             {"documents-parser", std::to_string(::getpid())},
                             {},
                             cwd.path(),
                             {document.get(), ends[0], ends[1], ends[2]}});
  } catch (const std::system_error& e) {
    fail(job.program.c_str(), e.code().value());
  }
}

// A child that is waited for exactly once, killed with its group first where it still runs.
class Process {
 public:
  explicit Process(pid_t pid) : pid_(pid), watch_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() { finish(); }

  int watch() const { return watch_.get(); }  // readable once it has ended; -1: the kernel has no such thing
  bool ended() {
    siginfo_t info{};
    const int got = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    taken_ = got != 0;  // by somebody else, or by the kernel where SIGCHLD is ignored
    return taken_ || info.si_pid == pid_;
  }
  // The number is ours until it is waited for, so nobody else is hit.
  std::optional<siginfo_t> finish() {
    if (pid_ <= 0 || taken_) return {};
    ::kill(-pid_, SIGKILL);
    ::kill(pid_, SIGKILL);
    siginfo_t info{};
    int got;
    do got = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED);
    while (got != 0 && errno == EINTR);
    pid_ = -1;
    if (got != 0 || info.si_pid == 0) return {};
    return info;
  }

 private:
  pid_t pid_;
  Fd watch_;
  bool taken_ = false;  // it was waited for elsewhere: its number may be another's by now
};

// At most 64 KiB; empty: nothing now, or the end (`fd` is closed then).
std::string_view read_some(Fd& fd, std::array<char, 65536>& buffer) {
  const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
  if (n > 0) return {buffer.data(), static_cast<std::size_t>(n)};
  if (n == 0 || (errno != EINTR && errno != EAGAIN)) fd.reset();
  return {};
}

}  // namespace

Ending run(const Job& job, const std::function<bool(std::string_view)>& take,
           const std::function<bool()>& stop) {
  if (job.options.size() > kMaxOptions) fail("its options are too long", E2BIG);
  const WorkingDirectory cwd(job.work_folder);
  aoh::Pipe out, err, options;
  try {
    out = aoh::make_pipe(), err = aoh::make_pipe(), options = aoh::make_pipe();
  } catch (const std::system_error& e) {
    fail("a pipe", e.code().value());
  }
  // Fits into the pipe, so nobody has to read it for this to end.
  if (::write(options.write.get(), job.options.data(), job.options.size()) !=
      static_cast<ssize_t>(job.options.size()))
    fail("its options", errno);
  options.write.reset();
  // Before the child is there: not lost if it ends at once.
  const auto until = Clock::now() + job.wall;
  Process child(spawn(job, cwd, {out.write.get(), err.write.get(), options.read.get()}));
  out.write.reset();
  err.write.reset();
  options.read.reset();
  for (const int fd : {out.read.get(), err.read.get()}) ::fcntl(fd, F_SETFL, O_NONBLOCK);

  Ending end;
  std::optional<Ending::How> killed;
  std::optional<Clock::time_point> last;  // when to stop waiting for the process after its output ended
  std::size_t total = 0;
  const auto buffer = std::make_unique<std::array<char, 65536>>();
  while (!killed) {
    if (stop()) killed = Ending::How::stopped;
    const auto now = Clock::now();
    if (now >= until || (last && now >= *last)) killed = Ending::How::timed_out;
    if (killed) break;
    const bool gone = child.ended();
    // While there is output, its end wakes us; then the process's own. Once it has ended, what still lies in
    // the pipes is all that comes, and a pipe that somebody else holds open does not hold us.
    pollfd on[3] = {
        {out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}, {out.read ? -1 : child.watch(), POLLIN, 0}};
    ::poll(on, 3, gone ? 0 : child.watch() >= 0 ? 100 : 20);
    if (on[1].revents) {
      const std::string_view said = read_some(err.read, *buffer);
      end.complaint.append(said.substr(0, kMaxComplaint - std::min(kMaxComplaint, end.complaint.size())));
    }
    if (on[0].revents) {
      const std::string_view bytes = read_some(out.read, *buffer);
      total += bytes.size();
      if (total > job.max_output)
        killed = Ending::How::flooded;
      else if (!bytes.empty() && !take(bytes))
        killed = Ending::How::stopped;
      if (!out.read) last = Clock::now() + kGrace;
    }
    if (gone && !on[0].revents && !on[1].revents) break;
  }
  const auto info = child.finish();
  if (killed)
    end.how = *killed;
  else if (info && info->si_code == CLD_EXITED)
    end.how = Ending::How::exited, end.code = info->si_status;
  else if (info)
    end.how = Ending::How::signalled, end.code = info->si_status;
  return end;
}

}  // namespace mailroom::documents
