#include "cli/terminal.hpp"

#include <fcntl.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>

namespace aoh::host {
namespace {

constexpr std::size_t kMaxAnswer = 64u << 10;

volatile std::sig_atomic_t g_interrupted = 0;

/// While it lives, the signals that end a program end a read() instead; then they are given again. Else
/// Ctrl-C at a password would leave a terminal without echo behind.
class HeldSignals {
 public:
  HeldSignals() {
    g_interrupted = 0;
    struct sigaction hold {};
    hold.sa_handler = [](int number) { g_interrupted = number; };
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &hold, &before_[i]);
    // A verb that ran before may have left them blocked.
    sigset_t all;
    sigemptyset(&all);
    for (const int s : kSignals) sigaddset(&all, s);
    ::pthread_sigmask(SIG_UNBLOCK, &all, &mask_);
  }
  ~HeldSignals() {
    for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
    if (g_interrupted) ::raise(g_interrupted);
    ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  }
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;

 private:
  static constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  std::array<struct sigaction, kSignals.size()> before_{};
  sigset_t mask_{};
};

std::optional<std::string> read_answer(const std::string& question, bool echo) {
  const HeldSignals held;
  const int fd = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return std::nullopt;
  termios before{};
  const bool quiet = !echo && ::tcgetattr(fd, &before) == 0;
  if (quiet) {
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(fd, TCSAFLUSH, &silent);
  }
  (void)!::write(fd, question.data(), question.size());
  std::string answer;
  bool ended = true;
  for (char c = 0; answer.size() < kMaxAnswer && ::read(fd, &c, 1) == 1;) {
    ended = c != '\n';
    if (!ended) break;
    answer += c;
  }
  if (quiet) {
    ::tcsetattr(fd, TCSAFLUSH, &before);
    (void)!::write(fd, "\n", 1);
  }
  ::close(fd);
  if (g_interrupted || (ended && answer.empty())) {
    wipe(answer);
    return std::nullopt;
  }
  if (answer.ends_with('\r')) answer.pop_back();
  return answer;
}

}  // namespace

bool can_ask() {
  if (::isatty(STDIN_FILENO) != 1) return false;
  const int fd = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

std::optional<std::string> ask(const std::string& question) { return read_answer(question, true); }

std::optional<Secret> ask_secret(const std::string& question) {
  auto answer = read_answer(question, false);
  if (!answer) return std::nullopt;
  return Secret(std::move(*answer));
}

bool ask_whether(const std::string& question, bool by_default) {
  for (;;) {
    const auto answer = ask(question + (by_default ? " [Y/n] " : " [y/N] "));
    if (!answer) return false;
    if (answer->empty()) return by_default;
    if (*answer == "y" || *answer == "Y" || *answer == "yes") return true;
    if (*answer == "n" || *answer == "N" || *answer == "no") return false;
  }
}

}  // namespace aoh::host
