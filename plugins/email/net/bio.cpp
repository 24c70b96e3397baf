#include "net/bio.hpp"

#include <openssl/bio.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

namespace mailroom::net {
namespace {

int fd_of(BIO* bio) { return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))); }
bool would_block(int e) { return e == EAGAIN || e == EWOULDBLOCK || e == EINTR; }

int write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto n = send(fd_of(bio), data, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && would_block(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto n = recv(fd_of(bio), data, static_cast<std::size_t>(size), MSG_DONTWAIT);
  if (n < 0 && would_block(errno)) BIO_set_retry_read(bio);
  if (n == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(n);
}

long control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

BIO_METHOD* make_method() {
  BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "mailroom socket");
  if (m == nullptr) return nullptr;
  BIO_meth_set_write(m, write);
  BIO_meth_set_read(m, read);
  BIO_meth_set_ctrl(m, control);
  return m;
}

}  // namespace

bio_st* make_socket_bio(int fd) {
  static BIO_METHOD* const method = make_method();  // lives as long as the library, which is never unmapped
  BIO* bio = method != nullptr ? BIO_new(method) : nullptr;
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd)));
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace mailroom::net
