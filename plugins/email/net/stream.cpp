#include "net/stream.hpp"

#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

#include "net/certificate.hpp"
#include "net/stream_impl.hpp"

namespace mailroom::net {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::size_t kBulkBuffer = 64u << 10;

void set_option(int fd, int level, int option, int value) {
  setsockopt(fd, level, option, &value, sizeof value);
}

Error closed(const Endpoint& e, int error) {
  Error out{Errc::closed, "the server closed the connection", e.where(), {}, "Try again later."};
  if (error != 0) out.what = std::string("the connection was lost: ") + std::strerror(error);
  return out;
}

}  // namespace

Stream::Impl::Impl(Executor e, Context c, Endpoint ep, tcp::socket s)
    : executor(e),
      context(c),
      endpoint(std::move(ep)),
      socket(std::move(s)),
      reader(e, c.clock),
      writer(e, c.clock) {
  boost::system::error_code ec;
  socket.non_blocking(true, ec);
  socket.native_non_blocking(true, ec);
  loopback = socket.remote_endpoint(ec).address().is_loopback() && !ec;
  const int fd = socket.native_handle();
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
  // Bytes on their way do not wait for the kernel's quarter of an hour of retransmissions either; keep-alive
  // does not probe then.
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 120'000);
}

Stream::Impl::~Impl() = default;

void Stream::Impl::check_alive() const {
  if (dead) throw Failure(*dead);
}

void Stream::Impl::kill(Error error) {
  if (dead) return;
  dead = std::move(error);
  boost::system::error_code ec;
  socket.close(ec);
  reader.poke();
  writer.poke();
}

void Stream::Impl::die(Error error) {
  kill(error);
  throw Failure(std::move(error));
}

void Stream::Impl::arm_read() {
  if (read_armed) return;
  read_armed = true;
  socket.async_wait(tcp::socket::wait_read, [self = shared_from_this()](boost::system::error_code) {
    self->read_armed = false;
    self->readable = true;
    self->reader.poke();
  });
}

void Stream::Impl::arm_write() {
  if (write_armed) return;
  write_armed = true;
  socket.async_wait(tcp::socket::wait_write, [self = shared_from_this()](boost::system::error_code) {
    self->write_armed = false;
    self->writable = true;
    self->writer.poke();
    if (self->read_wants_write) self->reader.poke();
  });
}

std::size_t Stream::Impl::read_plain(std::span<char> into) {
  const auto n = recv(socket.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
  if (n > 0) return static_cast<std::size_t>(n);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return 0;
  die(closed(endpoint, n < 0 ? errno : 0));
}

std::size_t Stream::Impl::read_tls(std::span<char> into) {
  ERR_clear_error();
  errno = 0;
  read_wants_write = false;
  std::size_t n = 0;
  if (SSL_read_ex(ssl.get(), into.data(), into.size(), &n) == 1) return n;
  const int saved = errno;
  switch (SSL_get_error(ssl.get(), 0)) {
    case SSL_ERROR_WANT_READ:
      return 0;
    case SSL_ERROR_WANT_WRITE:
      read_wants_write = true;
      return 0;
    case SSL_ERROR_ZERO_RETURN:
      die(closed(endpoint, 0));
    case SSL_ERROR_SYSCALL:
      die(closed(endpoint, saved));
    default:
      break;
  }
  if (ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) die(closed(endpoint, 0));
  die(tls_error("TLS broke while reading", endpoint));
}

std::size_t Stream::Impl::write_some(std::string_view bytes) {
  if (!ssl) {
    const auto n = send(socket.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return 0;
    die(closed(endpoint, errno));
  }
  ERR_clear_error();
  errno = 0;
  std::size_t n = 0;
  if (SSL_write_ex(ssl.get(), bytes.data(), bytes.size(), &n) == 1) return n;
  const int saved = errno;
  switch (SSL_get_error(ssl.get(), 0)) {
    case SSL_ERROR_WANT_WRITE:
      return 0;
    case SSL_ERROR_ZERO_RETURN:
      die(closed(endpoint, 0));
    case SSL_ERROR_SYSCALL:
      die(closed(endpoint, saved));
    default:
      die(tls_error("TLS broke while writing", endpoint));
  }
}

Task<void> Stream::Impl::wait_writable(std::int64_t deadline_ns, const char* doing) {
  writable = false;
  arm_write();
  while (!writable) {
    const bool late = co_await writer.wait_until(deadline_ns);
    check_alive();
    if (late && !writable)
      die({Errc::timeout, std::string(doing) + " took too long", endpoint.where(), {}, "Try again later."});
  }
}

Stream::Stream(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Stream::~Stream() {
  impl_->kill({Errc::cancelled, "the connection was dropped", impl_->endpoint.where(), {}, {}});
}

Task<Stream::Wake> Stream::wait_readable(std::chrono::milliseconds timeout, bool interruptible) {
  const std::shared_ptr<Impl> s = impl_;
  const std::int64_t at = after(s->context.clock.now_ns(), timeout);
  s->check_alive();
  if ((s->ssl && SSL_pending(s->ssl.get()) > 0) || (s->deflate && s->deflate->has_rest()))
    co_return Wake::readable;
  s->arm_read();
  if (s->read_wants_write) {
    s->writable = false;
    s->arm_write();
  }
  for (;;) {
    if (s->readable || (s->read_wants_write && s->writable)) {
      s->readable = false;
      co_return Wake::readable;
    }
    if (interruptible && s->interrupted) {
      s->interrupted = false;
      co_return Wake::interrupted;
    }
    const bool late = co_await s->reader.wait_until(at);
    s->check_alive();
    if (late && !s->readable) co_return Wake::timeout;
  }
}

std::size_t Stream::Impl::read_some(std::span<char> into) { return ssl ? read_tls(into) : read_plain(into); }

std::size_t Stream::try_read(std::span<char> into) {
  Impl& s = *impl_;
  s.check_alive();
  if (!s.deflate) return s.read_some(into);
  try {
    return s.deflate->read(into, [&s](std::span<char> room) { return s.read_some(room); });
  } catch (const Failure& f) {
    Error e = f.error;
    if (e.where.empty()) e.where = s.endpoint.where();
    s.die(std::move(e));
  }
}

void Stream::start_deflate(std::string_view already) {
  impl_->check_alive();
  impl_->deflate = std::make_unique<Deflate>();
  impl_->deflate->put_back(already);
}

Task<void> Stream::write_all(std::string_view bytes, std::chrono::milliseconds timeout) {
  const std::shared_ptr<Impl> s = impl_;
  const std::int64_t at = after(s->context.clock.now_ns(), timeout);
  std::string packed;
  if (s->deflate) bytes = packed = s->deflate->pack(bytes);
  while (!bytes.empty()) {
    s->check_alive();
    // At most one TLS record at a time; a retry must offer the same bytes again.
    const std::size_t n = s->write_some(bytes.substr(0, 16 * 1024));
    bytes.remove_prefix(n);
    if (n == 0) co_await s->wait_writable(at, "sending");
  }
}

Task<void> Stream::start_tls(std::chrono::milliseconds timeout) {
  const std::shared_ptr<Impl> s = impl_;
  s->check_alive();
  const std::int64_t at = after(s->context.clock.now_ns(), timeout);
  s->tls_check.endpoint = &s->endpoint;
  try {
    s->ssl = make_tls(s->context.tls, s->tls_check, s->socket.native_handle());
  } catch (const Failure& f) {
    s->die(f.error);
  }
  SSL* ssl = s->ssl.get();
  for (;;) {
    ERR_clear_error();
    errno = 0;
    const int done = SSL_do_handshake(ssl);
    const int saved = errno;
    if (done == 1) break;
    const int why = SSL_get_error(ssl, done);
    if (why == SSL_ERROR_WANT_READ) {
      if (co_await wait_readable(std::chrono::milliseconds((at - s->context.clock.now_ns()) / 1'000'000)) ==
          Wake::timeout)
        s->die({Errc::timeout,
                "the TLS handshake took too long",
                s->endpoint.where(),
                {},
                "Check that the port is the server's TLS port."});
    } else if (why == SSL_ERROR_WANT_WRITE) {
      co_await s->wait_writable(at, "the TLS handshake");
    } else {
      const long verified = SSL_get_verify_result(ssl);
      if (why == SSL_ERROR_SSL && verified != X509_V_OK) {
        ERR_clear_error();
        s->die(certificate_error(verified, s->endpoint, s->tls_check.seen_pin));
      }
      Error e = tls_error("the TLS handshake failed", s->endpoint);
      if (why == SSL_ERROR_SYSCALL)
        e.what += saved != 0 ? std::string(": ") + std::strerror(saved) : ": the server closed it";
      s->die(std::move(e));
    }
  }
  s->endpoint.client_key.reset();  // wiped, unless another connection is about to use it
  s->tls_details = details_of(ssl);
  if (s->transcript) s->transcript->note(s->tls_details->version + " with " + s->endpoint.where());
  if (s->context.tls.on_handshake) s->context.tls.on_handshake(s->endpoint, *s->tls_details);
}

void Stream::set_bulk(bool on) {
  SSL* ssl = impl_->ssl.get();
  if (ssl == nullptr || impl_->dead) return;
  SSL_set_read_ahead(ssl, on ? 1 : 0);
  SSL_set_default_read_buffer_len(ssl, on ? kBulkBuffer : 0);
  if (on) {
    SSL_clear_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
  } else {
    SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);
  }
  // The buffer has the size it was made with; where something is left in it, it goes with the next record.
  SSL_free_buffers(ssl);
  ERR_clear_error();
}

void Stream::close() {
  if (impl_->ssl && !impl_->dead) {
    ERR_clear_error();
    SSL_shutdown(impl_->ssl.get());
    ERR_clear_error();
  }
  impl_->kill({Errc::closed, "the connection is closed", impl_->endpoint.where(), {}, {}});
}

void Stream::interrupt() {
  asio::post(impl_->executor, [weak = impl_->weak_from_this()] {
    const std::shared_ptr<Impl> s = weak.lock();
    if (!s) return;
    s->interrupted = true;
    s->reader.poke();
  });
}

void Stream::abort() {
  asio::post(impl_->executor, [weak = impl_->weak_from_this()] {
    if (const std::shared_ptr<Impl> s = weak.lock())
      s->kill({Errc::cancelled, "the connection was given up", s->endpoint.where(), {}, {}});
  });
}

bool Stream::is_tls() const { return impl_->ssl != nullptr && SSL_is_init_finished(impl_->ssl.get()) == 1; }
const TlsDetails* Stream::tls_details() const { return impl_->tls_details ? &*impl_->tls_details : nullptr; }
bool Stream::is_loopback() const { return impl_->loopback; }
bool Stream::is_open() const { return !impl_->dead; }
const Endpoint& Stream::endpoint() const { return impl_->endpoint; }
Clock& Stream::clock() const { return impl_->context.clock; }
Executor Stream::executor() const { return impl_->executor; }
int Stream::native_handle() const { return impl_->socket.native_handle(); }

void Stream::trace_to(TraceSink sink) {
  impl_->transcript = sink ? std::make_unique<Transcript>(std::move(sink)) : nullptr;
}
Transcript* Stream::transcript() const { return impl_->transcript.get(); }

}  // namespace mailroom::net
