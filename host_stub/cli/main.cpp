// host-stub: the command line of the stub host.
#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "checker/checker.hpp"
#include "cli/client.hpp"
#include "cli/daemon.hpp"
#include "cli/interview.hpp"
#include "cli/verbs.hpp"
#include "services/faults.hpp"

namespace aoh::host {
namespace {

void write_to(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
  std::fflush(file);
}

/// No other process reads this one's memory, and none of it lies on the disk after a crash: it holds
/// passwords.
void hide() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

std::string holder_of(const Home& home) {
  const pid_t pid = HomeLock::holder(home);
  return pid ? "process " + std::to_string(pid) : "another process";
}

/// The home's lock, or a connection to the host that runs there.
struct Access {
  std::optional<HomeLock> lock;
  int socket = -1;
};

/// Waits up to 60 s while another verb, or a host that is starting or ending, holds the home: a call may wait
/// for a slow server. Says so after 2 s. No thread and no signal mask yet: Ctrl-C ends the wait.
Access enter(const Home& home, const Io& io) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  bool said = false;
  for (;;) {
    if (const int fd = connect_to(home); fd >= 0) return {std::nullopt, fd};
    if (auto lock = HomeLock::take(home)) return {std::move(lock), -1};
    const auto waited = Clock::now() - begin;
    if (!said && waited > std::chrono::seconds(2)) {
      said = true;
      io.err("host-stub: waiting for " + holder_of(home) + ", which holds the home\n");
    }
    if (waited > std::chrono::seconds(60))
      throw CliError("the home " + home.dir().string() + " is in use by " + holder_of(home) +
                     ", which does not answer; wait for it, or end it");
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

/// Without a home and before any thread: the cases fork.
int check_module(const Command& command, const Io& io) {
  Registry::Options options{command.modules, {}};
  options.folders.push_back(default_modules());
  checker::CheckOptions what;
  what.only = command.check_case;
  const checker::Report report = checker::check(Registry(options).locate(command.target), what);
  if (command.json)
    io.json(report.json());
  else
    io.out(report.text());
  return report.passed() ? 0 : 1;
}

/// Any verb but `run` and `plugins check`: by the host that runs in the home, or by one of its own.
int dispatch(const Command& command, const std::vector<std::string>& arguments, const Inputs& inputs,
             const Home& home, const Io& terminal) {
  Io io = terminal;
  Access access = enter(home, terminal);
  if (access.socket >= 0) {
    SignalFd signals;
    Line line(access.socket);
    return forward(line, arguments, inputs, io, signals);
  }
  std::optional<SignalFd> signals;
  std::optional<Interruption> interruption;
  if (command.verb == "call" || command.verb == "integration test" ||
      command.verb.starts_with("credential ")) {
    signals.emplace();
    interruption.emplace(*signals);
    io.on_cancel = [&](std::function<void()> fn) { interruption->on_cancel(std::move(fn)); };
  }
  App app(command, home, [&io](std::string_view line) { io.err(std::string(line) + "\n"); });
  return run_verb(app, command, inputs, io);
}

int work(const Command& command, const std::vector<std::string>& arguments, const Io& terminal) {
  if (command.verb == "plugins check") return check_module(command, terminal);
  const Home home(command.home.empty() ? Home::default_path() : command.home);
  if (command.verb == "run") {
    const Access access = enter(home, terminal);
    if (!access.lock) {
      ::close(access.socket);
      throw CliError("another host is at work in " + home.dir().string() + " (" + holder_of(home) +
                     "); `run` wants the home for itself: stop that one, or choose another with --home DIR");
    }
    SignalFd signals;
    App app(command, home, [&terminal](std::string_view line) { terminal.err(std::string(line) + "\n"); });
    return run_daemon(app, command, terminal, signals);
  }
  if (wants_interview(command)) {
    const RunWords run = [&](const std::vector<std::string>& words, const Inputs& inputs, const Io& io) {
      return dispatch(parse_command(words, std::filesystem::current_path()), words, inputs, home, io);
    };
    return interview(command, arguments, run, terminal);
  }
  return dispatch(command, arguments, gather(command), home, terminal);
}

int run(const std::vector<std::string>& arguments) {
  Io io;
  io.out = [](std::string_view s) { write_to(stdout, s); };
  io.err = [](std::string_view s) { write_to(stderr, s); };
  io.on_cancel = [](const std::function<void()>&) {};
  try {
    const Command command = parse_command(arguments, std::filesystem::current_path());
    if (!command.allow_debug) hide();
    const char* faults = std::getenv("AOH_FAULTS");  // NOLINT(concurrency-mt-unsafe): no other thread yet
    if (!command.fault.empty() || faults) faults::configure(command.fault.empty() ? faults : command.fault);
    return work(command, arguments, io);
  } catch (const UsageError& e) {
    if (e.help) {
      io.out(e.what());
      return 0;
    }
    io.err(error_line(e.what()));
    return 2;
  } catch (const std::exception& e) {
    io.err(error_line(e.what()));
    return 1;
  }
}

}  // namespace
}  // namespace aoh::host

int main(int argc, char** argv) {
  ::umask(077);                // what the host writes is for its user alone
  ::signal(SIGPIPE, SIG_IGN);  // a client or a server that went away is an error to handle, not an end
  // Large buffers go back whole at once; by itself the C library begins to keep them after the first few, as
  // many times over as threads have touched one.
  ::mallopt(M_MMAP_THRESHOLD, 256 * 1024);
  const int status = aoh::host::run(std::vector<std::string>(argv + 1, argv + argc));
  if (aoh::host::App::left_behind()) ::_exit(status);
  return status;
}
