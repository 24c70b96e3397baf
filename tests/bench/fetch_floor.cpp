// The floor of fetching: a blocking TLS socket that signs in, asks for every message and only reads.
//
//   fetch_floor HOST PORT CA_FILE USER MAILBOX    the password in MAILROOM_BENCH_PASSWORD
//
// Prints what it took as JSON, as fetch_bench does.
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include "usage.hpp"

namespace {

class Line {
 public:
  Line(const char* host, const char* port, const char* ca) {
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host, port, &hints, &found) != 0) throw std::runtime_error("no such host");
    const int fd = socket(found->ai_family, SOCK_STREAM, 0);
    const bool connected = connect(fd, found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
    SSL_CTX* context = SSL_CTX_new(TLS_client_method());
    if (!connected || SSL_CTX_load_verify_file(context, ca) != 1) throw std::runtime_error("cannot connect");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
    ssl_ = SSL_new(context);
    SSL_set_fd(ssl_, fd);
    if (SSL_connect(ssl_) != 1) throw std::runtime_error("the TLS handshake failed");
  }

  /// Sends a command and reads until its tag is answered; the bytes that came.
  std::size_t command(const std::string& tag, const std::string& words) {
    const std::string out = tag + " " + words + "\r\n", done = "\r\n" + tag + " OK";
    if (SSL_write(ssl_, out.data(), static_cast<int>(out.size())) <= 0)
      throw std::runtime_error("cannot write");
    std::size_t bytes = 0;
    std::string tail = "\r\n";
    for (;;) {
      const int n = SSL_read(ssl_, buffer_, sizeof buffer_);
      if (n <= 0) throw std::runtime_error("the server closed the connection");
      bytes += static_cast<std::size_t>(n);
      const std::size_t last = std::min<std::size_t>(static_cast<std::size_t>(n), 4000);
      tail.append(buffer_ + n - last, last);
      if (tail.size() > 4000) tail.erase(0, tail.size() - 4000);
      if (tail.ends_with("\r\n") && tail.find(done) != tail.npos) return bytes;
    }
  }

 private:
  SSL* ssl_ = nullptr;
  char buffer_[64 * 1024];
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::fprintf(stderr, "usage: fetch_floor HOST PORT CA_FILE USER MAILBOX\n");
    return 2;
  }
  try {
    const char* password = std::getenv("MAILROOM_BENCH_PASSWORD");
    static Line line(argv[1], argv[2], argv[3]);
    line.command("a1", std::string("LOGIN \"") + argv[4] + "\" \"" + (password ? password : "") + "\"");
    line.command("a2", std::string("EXAMINE \"") + argv[5] + "\"");
    const double before = bench::cpu_seconds();
    const auto begin = std::chrono::steady_clock::now();
    const std::size_t bytes = line.command("a3", "UID FETCH 1:* (UID BODY.PEEK[])");
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::printf("{\"seconds\": %.3f, \"cpu_seconds\": %.3f, \"rss_kb\": %ld, \"bytes\": %zu}\n", seconds,
                bench::cpu_seconds() - before, bench::peak_kb(), bytes);
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "fetch_floor: %s\n", e.what());
    return 1;
  }
}
