#include "cli/wire.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "support/secret.hpp"

namespace aoh::host {
namespace {

/// A socket's name has 107 bytes at most; a longer home is reached through its open folder.
struct Address {
  sockaddr_un un{};
  int folder = -1;
  explicit Address(const Home& home) {
    un.sun_family = AF_UNIX;
    std::string path = home.socket().string();
    if (path.size() >= sizeof un.sun_path) {
      folder = ::open(home.dir().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
      path = "/proc/self/fd/" + std::to_string(folder) + "/" + home.socket().filename().string();
    }
    std::strncpy(un.sun_path, path.c_str(), sizeof un.sun_path - 1);
  }
  ~Address() {
    if (folder >= 0) ::close(folder);
  }
  Address(const Address&) = delete;
  Address& operator=(const Address&) = delete;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&un); }
};

}  // namespace

Line::~Line() {
  if (fd_ >= 0) ::close(fd_);
  wipe(buffer_);
}

void Line::shut() { ::shutdown(fd_, SHUT_RDWR); }

bool Line::send(const Json& message) {
  std::string text = message.dump() + "\n";
  const std::lock_guard lock(send_m_);
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t n = ::send(fd_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    sent += static_cast<std::size_t>(n);
  }
  const bool all = sent == text.size();
  wipe(text);
  return all;
}

std::optional<Json> Line::receive() {
  for (;;) {
    const auto end = buffer_.find('\n', scanned_);
    if (end != std::string::npos) {
      Json message = Json::parse(std::string_view(buffer_).substr(0, end), {.max_bytes = kMaxLine});
      std::string rest = buffer_.substr(end + 1);
      wipe(buffer_);
      buffer_ = std::move(rest);
      scanned_ = 0;
      return message;
    }
    scanned_ = buffer_.size();
    if (buffer_.size() > kMaxLine) throw JsonError("a message is longer than 40 MiB");
    char bytes[65536];
    const ssize_t n = ::recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
    if (n <= 0) {
      closed_ = true;
      return std::nullopt;
    }
    buffer_.append(bytes, static_cast<std::size_t>(n));
  }
}

int connect_to(const Home& home) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const Address address(home);
  if (::connect(fd, address.get(), sizeof address.un) == 0) return fd;
  ::close(fd);
  return -1;
}

int listen_in(const Home& home) {
  const auto failed = [&](const char* doing) {
    return HomeError("the socket " + home.socket().string() + " cannot be " + doing + ": " +
                     std::strerror(errno));
  };
  // Whoever holds the home's lock owns the name; what lies there is a dead host's.
  ::unlink(home.socket().c_str());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) throw failed("made");
  const Address address(home);
  // The folder is 0700, so nobody is faster than the mode; fchmod before bind makes the file itself 0600.
  ::fchmod(fd, 0600);
  if (::bind(fd, address.get(), sizeof address.un) != 0 || ::chmod(home.socket().c_str(), 0600) != 0 ||
      ::listen(fd, 64) != 0) {
    const HomeError error = failed("listened on");
    ::close(fd);
    throw error;
  }
  return fd;
}

}  // namespace aoh::host
