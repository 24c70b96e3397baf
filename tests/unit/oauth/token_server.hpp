// A token endpoint on loopback that answers as a test has it, one request a connection.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace mailroom::testing {

class TokenServer {
 public:
  struct Reply {
    int status = 200;
    std::string body, fields;  // fields: whole lines with CRLF
  };
  /// Called on the server's thread with the body of each request.
  using Script = std::function<Reply(const std::string& form)>;

  explicit TokenServer(Script script) : script_(std::move(script)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(fd_, reinterpret_cast<sockaddr*>(&at), size) != 0 || ::listen(fd_, 64) != 0) std::abort();
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&at), &size);
    url = "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + "/token";
    thread_ = std::thread([this] { serve(); });
  }
  ~TokenServer() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  std::vector<std::string> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::string url;

 private:
  void serve() {
    for (int c = 0; (c = ::accept(fd_, nullptr, nullptr)) >= 0; ::close(c)) {
      std::string in;
      char buffer[4096];
      std::size_t want = std::string::npos;
      while (in.size() < want) {
        const ssize_t n = ::read(c, buffer, sizeof buffer);
        if (n <= 0) break;
        in.append(buffer, static_cast<std::size_t>(n));
        const auto end = in.find("\r\n\r\n"), length = in.find("Content-Length: ");
        if (end != std::string::npos && length != std::string::npos)
          want = end + 4 + std::stoul(in.substr(length + 16));
      }
      if (in.size() < want) continue;
      const std::string form = in.substr(in.find("\r\n\r\n") + 4);
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(form);
      }
      const Reply r = script_(form);
      const std::string out = "HTTP/1.1 " + std::to_string(r.status) + " X\r\n" + r.fields +
                              "Content-Length: " + std::to_string(r.body.size()) + "\r\n\r\n" + r.body;
      (void)!::send(c, out.data(), out.size(), MSG_NOSIGNAL);
    }
  }

  Script script_;
  int fd_ = -1;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace mailroom::testing
