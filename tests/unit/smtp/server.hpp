// Peers on a port of loopback, one a connection, each on a thread of its own.
#pragma once
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "peer.hpp"

namespace mailroom::smtp::testing {

class Server {
  template <typename F>
  auto with(F f) {
    const std::lock_guard lock(mutex_);
    return f();
  }

 public:
  /// `prepare` sets up the peer of connection `i` (from 0); an empty greeting: none, it hangs up.
  explicit Server(std::function<void(Peer&, std::size_t i)> prepare = {}) : prepare_(std::move(prepare)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof a;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&a), size) != 0 || ::listen(listener_, 100) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&a), &size) != 0)
      throw std::runtime_error("no port for the test's server");
    port = ntohs(a.sin_port);
    acceptor_ = std::thread([this] { accept(); });
  }
  ~Server() {
    stop_ = true;
    release();
    acceptor_.join();  // no more are added
    for (std::thread& t : threads_) t.join();
    ::close(listener_);
  }

  std::uint16_t port = 0;

  std::size_t connections() {
    return with([&] { return all_.size(); });
  }
  std::size_t most_at_once() {
    return with([&] { return most_; });
  }
  std::size_t open() {
    return with([&] { return open_; });
  }
  std::vector<std::string> commands(std::size_t i) {
    return with([&] { return all_.at(i)->peer.commands; });
  }
  std::size_t count(std::string_view verb) {
    return with([&] {
      std::size_t n = 0;
      for (const auto& c : all_)
        for (const std::string& line : c->peer.commands) n += line.starts_with(verb);
      return n;
    });
  }
  std::vector<Peer::Mail> mails() {
    return with([&] {
      std::vector<Peer::Mail> out;
      for (const auto& c : all_) out.insert(out.end(), c->peer.mails.begin(), c->peer.mails.end());
      return out;
    });
  }
  std::size_t bare() {
    return with([&] {
      std::size_t n = 0;
      for (const auto& c : all_) n += c->peer.bare;
      return n;
    });
  }
  void say(std::size_t i, const std::string& command, const std::string& answer) {
    with([&] { return all_.at(i)->peer.say[command].push_back(answer), 0; });
  }
  /// Closes what is open, as a server does with the idle, and waits until it is.
  void hang_up() {
    with([&] {
      for (const auto& c : all_) c->close = true;
      return 0;
    });
    while (open() > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  /// No answer leaves until release().
  void hold() {
    with([&] { return held_ = true; });
  }
  void release() {
    with([&] { return held_ = false; });
    changed_.notify_all();
  }

 private:
  struct Connection {
    Peer peer;
    std::atomic<bool> close{false};
  };

  bool wait(int fd) {
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, 5) > 0;
  }

  void accept() {
    while (!stop_) {
      if (!wait(listener_)) continue;
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      auto c = std::make_shared<Connection>();
      with([&] {
        if (prepare_) prepare_(c->peer, all_.size());
        all_.push_back(c);
        most_ = std::max(most_, ++open_);
        return 0;
      });
      threads_.emplace_back([this, fd, c] { serve(fd, *c); });
    }
  }

  void send(int fd, std::string_view text) {
    while (!text.empty()) {
      const auto n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
      if (n <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  void serve(int fd, Connection& c) {
    bool over = false;
    const std::string greeting = with([&] {
      auto& told = c.peer.say["greeting"];
      if (told.empty()) return Peer::greeting();
      over = true;
      return told.front();
    });
    send(fd, greeting);
    while (!over && !stop_ && !c.close) {
      if (!wait(fd)) continue;
      char buffer[65536];
      const auto n = ::recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) break;
      std::string out;
      {
        std::unique_lock lock(mutex_);
        out = c.peer.take({buffer, static_cast<std::size_t>(n)});
        over = c.peer.hung_up || (!c.peer.commands.empty() && c.peer.commands.back() == "QUIT");
        changed_.wait(lock, [&] { return !held_ || stop_; });
      }
      send(fd, out);
    }
    with([&] { return --open_; });
    ::close(fd);
  }

  std::function<void(Peer&, std::size_t)> prepare_;
  int listener_ = -1;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  std::vector<std::shared_ptr<Connection>> all_;
  std::size_t open_ = 0, most_ = 0;
  std::thread acceptor_;
  std::vector<std::thread> threads_;  // the acceptor's until it has ended
};

}  // namespace mailroom::smtp::testing
