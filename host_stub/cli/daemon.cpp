#include "cli/daemon.hpp"

#include <malloc.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <list>
#include <mutex>
#include <thread>

#include "aoh/services/log.h"
#include "cli/verbs.hpp"
#include "cli/wire.hpp"

namespace aoh::host {
namespace {

constexpr std::chrono::seconds kDrain{30};
constexpr std::size_t kMaxClients = 64;
constexpr int kTidyMs = 5000;
constexpr rlim_t kDescriptors = 65'536;

/// Each watcher holds a connection: more of them than the 1024 that a shell allows. Where thousands are asked
/// for and the hard limit is lower, the log of each that finds no descriptor says so.
void allow_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t most = std::min(limit.rlim_max, kDescriptors);
  if (limit.rlim_cur >= most) return;
  limit.rlim_cur = most;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// One verb of a client: its thread works, a second one listens for the client giving up.
class Session {
 public:
  Session(App& app, int fd, Command options) : app_(app), line_(fd), options_(std::move(options)) {
    thread_ = std::thread([this] {
      serve();
      done_ = true;
    });
  }
  ~Session() {
    if (thread_.joinable()) thread_.join();
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  bool done() const { return done_; }
  void cancel() {
    const std::lock_guard lock(m_);
    cancelled_ = true;
    if (!begun_) line_.shut();
    if (fn_) fn_();
  }

 private:
  void serve();
  int run(const Json& request, const Io& io);

  App& app_;
  Line line_;
  const Command options_;
  std::mutex m_;
  std::function<void()> fn_;
  bool cancelled_ = false, begun_ = false;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

void Session::serve() {
  try {
    std::optional<Json> request;
    while (!(request = line_.receive())) {
      pollfd p{line_.fd(), POLLIN, 0};
      if (line_.closed() || ::poll(&p, 1, 10'000) <= 0)
        return;  // a client that says nothing for 10 s is none
    }
    {
      const std::lock_guard lock(m_);
      begun_ = true;
    }
    const int stop = ::eventfd(0, EFD_CLOEXEC);
    std::thread listener([&] {
      for (;;) {
        pollfd fds[] = {{line_.fd(), POLLIN, 0}, {stop, POLLIN, 0}};
        if (::poll(fds, 2, -1) < 0) continue;
        if (fds[1].revents) return;
        try {
          const auto message = line_.receive();
          if (message || line_.closed()) cancel();
        } catch (const JsonError&) {
          cancel();
          return;
        }
        if (line_.closed()) return;
      }
    });
    Io io;
    io.out = [this](std::string_view s) { line_.send(Json{{"out", s}}); };
    io.err = [this](std::string_view s) { line_.send(Json{{"err", s}}); };
    io.on_cancel = [this](std::function<void()> fn) {
      const std::lock_guard lock(m_);
      fn_ = std::move(fn);
      if (cancelled_ && fn_) fn_();
    };
    const int status = run(*request, io);
    const std::uint64_t one = 1;
    (void)!::write(stop, &one, sizeof one);
    listener.join();
    ::close(stop);
    line_.send(Json{{"exit", status}});
  } catch (const std::exception& e) {
    app_.log().warn(std::string("a client's request could not be served: ") + e.what());
  }
}

int Session::run(const Json& request, const Io& io) {
  try {
    std::vector<std::string> argv;
    for (const Json& a : request["argv"].items()) argv.push_back(a.str());
    const Command command = parse_command(std::move(argv), request["cwd"].str());
    if (const std::string option = command.start_up_option(); !option.empty())
      throw CliError(option +
                     " counts only where modules are loaded, and the host that runs in this home (process " +
                     std::to_string(::getpid()) + ") has loaded them; give it to `run`, or stop that first");
    Inputs inputs;
    if (const Json* document = request.find("document")) inputs.document = document->str();
    for (const auto& m : request["secrets"].members()) inputs.secrets[m.key] = Secret(m.value.str());
    inputs.terminal = request["terminal"].boolean();
    return run_verb(app_, command, inputs, io);
  } catch (const std::exception& e) {
    io.err(error_line(e.what()));
    return dynamic_cast<const UsageError*>(&e) ? 2 : 1;
  }
}

}  // namespace

int run_daemon(App& app, const Command& command, const Io& io, SignalFd& signals) {
  allow_descriptors();
  ::mallopt(M_ARENA_MAX, 1);  // an arena a thread would multiply what lies free
  // What is large lives apart and goes back whole. Else the buffers of a TLS handshake (17 and 22 KB, for as
  // long as the server takes) leave a hole in front of all that a connection keeps, and of each hole the ends
  // stay resident: 2 KB a watcher. The pad is below the threshold, for the C library looks at that only when
  // the end of the heap is too small.
  ::mallopt(M_MMAP_THRESHOLD, 16 * 1024);
  ::mallopt(M_TOP_PAD, 8 * 1024);
  app.clock();
  app.open_modules();
  app.engine();
  app.start_automation();
  const int listener = listen_in(app.home());
  const std::size_t modules = app.registry().modules().size(), triggers = app.automation()->sources().size();
  if (command.json)
    io.out(Json{{"ready", true},
                {"modules", modules},
                {"triggers", triggers},
                {"socket", app.home().socket().string()},
                {"pid", static_cast<std::int64_t>(::getpid())}}
               .dump() +
           "\n");
  else
    io.line("ready: " + std::to_string(modules) + " modules, " + std::to_string(triggers) +
            " triggers, socket " + app.home().socket().string());
  app.log().info("ready", Json{{"modules", modules}, {"triggers", triggers}});

  // What a burst of sign-ins freed lies scattered between what stays: a third of an idle watcher's memory,
  // and the C library gives it back only when told to.
  std::list<Session> sessions;
  while (!signals.take()) {
    pollfd fds[] = {{signals.fd(), POLLIN, 0}, {listener, POLLIN, 0}};
    if (::poll(fds, 2, sessions.empty() ? kTidyMs : 1000) == 0 && sessions.empty()) ::malloc_trim(0);
    sessions.remove_if([](const Session& s) { return s.done(); });
    if (!(fds[1].revents & POLLIN)) continue;
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const timeval patience{5, 0};  // for a client that does not read
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (sessions.size() >= kMaxClients) {
      Line line(fd);
      line.send(Json{{"err", "host-stub: the host has " + std::to_string(kMaxClients) +
                                 " verbs at work; try again later\n"}});
      line.send(Json{{"exit", 1}});
      continue;
    }
    sessions.emplace_back(app, fd, command);
  }

  // From here on a second signal ends the process at once: what matters is durable already.
  Interruption second(signals);
  second.on_cancel([] { ::_exit(130); });
  ::close(listener);
  ::unlink(app.home().socket().c_str());
  app.log().info("shutting down");
  for (Session& s : sessions) s.cancel();
  const auto left = app.shut_down(kDrain);
  sessions.clear();
  for (const auto& line : left) io.err(error_line(line));
  return left.empty() ? 0 : 1;
}

}  // namespace aoh::host
