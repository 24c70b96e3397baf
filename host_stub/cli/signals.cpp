#include "cli/signals.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdint>

namespace aoh::host {

SignalFd::SignalFd() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

SignalFd::~SignalFd() {
  if (fd_ >= 0) ::close(fd_);
}

int SignalFd::take() {
  signalfd_siginfo info{};
  return ::read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)
             ? static_cast<int>(info.ssi_signo)
             : 0;
}

Interruption::Interruption(SignalFd& signals)
    : signals_(signals), stop_(::eventfd(0, EFD_CLOEXEC)), thread_([this] { watch(); }) {}

Interruption::~Interruption() {
  const std::uint64_t one = 1;
  (void)!::write(stop_, &one, sizeof one);
  thread_.join();
  ::close(stop_);
}

void Interruption::on_cancel(std::function<void()> fn) {
  const std::lock_guard lock(m_);
  fn_ = std::move(fn);
  if (seen_ && fn_) fn_();
}

void Interruption::watch() {
  for (;;) {
    pollfd fds[] = {{signals_.fd(), POLLIN, 0}, {stop_, POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents) return;
    if (!signals_.take()) continue;
    const std::lock_guard lock(m_);
    if (seen_++ > 0) ::_exit(130);
    if (fn_) fn_();
  }
}

}  // namespace aoh::host
