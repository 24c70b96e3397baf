// A written dialogue played over TCP by a thread, for what spans several commands of a client.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#include "net/script.hpp"

namespace mailroom::testing {

/// Takes one connection on 127.0.0.1. Behind the script's end it closes, or goes on with `after` on the open
/// descriptor, which ends when write() fails.
class ScriptedServer {
 public:
  explicit ScriptedServer(Script script, std::function<void(int)> after = {})
      : script_(std::move(script)), after_(std::move(after)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(listener_, 1) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size) != 0)
      throw std::runtime_error("no port for a scripted server");
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::uint16_t port() const { return port_; }
  /// Ends the connection's thread; what the client wrote otherwise than the script says, empty where all was
  /// as written.
  std::string finish() {
    ::shutdown(listener_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([] {});
    return wrong_;
  }

 private:
  void serve() {
    const int peer = ::accept(listener_, nullptr, nullptr);
    if (peer < 0) return;
    const timeval patience{20, 0};
    ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    bool good = true;
    for (const Line& line : script_) {
      good = good && (line.who == Line::Who::client ? hear(peer, line.text) : say(peer, line.text));
      if (!good) break;
    }
    if (good && after_) after_(peer);
    ::close(peer);
  }
  bool hear(int peer, const std::string& wanted) {
    std::string got;
    char c = 0;
    while (got.size() < wanted.size() && ::recv(peer, &c, 1, 0) == 1) {
      got += c;
      if (got[got.size() - 1] != wanted[got.size() - 1]) break;
    }
    if (got == wanted) return true;
    while (::recv(peer, &c, 1, MSG_DONTWAIT) == 1) got += c;
    wrong_ += "the client wrote\n" + got + "instead of\n" + wanted;
    return false;
  }
  static bool say(int peer, const std::string& text) {
    return ::send(peer, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }

  Script script_;
  std::function<void(int)> after_;
  int listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
  std::string wrong_;
};

/// Greeting and sign-in as "tim" with "pw", then `rest`, whose commands are tagged from a2 on.
inline Script signed_in(const std::string& caps, Script rest) {
  Script s = {S("* OK [CAPABILITY " + caps + "] ready"), C("a1 LOGIN \"tim\" \"pw\""),
              S("a1 OK [CAPABILITY " + caps + "] in")};
  s.insert(s.end(), rest.begin(), rest.end());
  return s;
}

}  // namespace mailroom::testing
