// JSON lines over the home's socket, between a verb and the `run` that does its work.
//
// Client to host: one request {"argv", "cwd", "document", "secrets", "terminal"}, then perhaps {"cancel":
// true}. Host to client: {"out": text} and {"err": text}, any number, then {"exit": n}.
#pragma once
#include <chrono>
#include <mutex>
#include <optional>
#include <string>

#include "services/home.hpp"
#include "support/json.hpp"

namespace aoh::host {

/// A connected socket, closed with this. send() from any thread; receive() from one.
class Line {
 public:
  static constexpr std::size_t kMaxLine = 40u << 20;
  explicit Line(int fd) : fd_(fd) {}
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  int fd() const { return fd_; }
  /// False when the other side is gone.
  bool send(const Json& message);
  /// The next message that has arrived whole; empty when more bytes are needed or the other side is gone
  /// (then closed()). Throws JsonError for what is not a message.
  std::optional<Json> receive();
  bool closed() const { return closed_; }
  /// Lets the next read of either side end.
  void shut();

 private:
  int fd_;
  bool closed_ = false;
  std::mutex send_m_;
  std::string buffer_;
  std::size_t scanned_ = 0;
};

/// Connects to the host that runs in `home`; -1 when none listens.
int connect_to(const Home& home);
/// Listens on the home's socket (0600), which a host that died may have left behind. Throws HomeError.
int listen_in(const Home& home);

}  // namespace aoh::host
