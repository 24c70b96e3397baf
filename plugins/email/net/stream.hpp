// One connection: TCP, and TLS by OpenSSL driven directly on the non-blocking descriptor.
#pragma once
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "net/asio.hpp"
#include "net/clock.hpp"
#include "net/endpoint.hpp"
#include "net/tls_context.hpp"
#include "net/transcript.hpp"

namespace mailroom::net {

/// What every connection needs from outside; must outlive it.
struct Context {
  Clock& clock;
  TlsContexts& tls;
};

/// A connected TCP stream with TCP_NODELAY and keep-alive (60 s idle, 15 s apart, 4 probes: a dead peer is
/// noticed within two minutes), plain or under TLS. Made by net::open().
///
/// Threading: belongs to one strand, on which everything is called and every coroutine runs, except
/// interrupt() and abort(), which any thread may call while the object lives. At most one reader and one
/// writer at a time; they may wait side by side.
///
/// Errors: Failure. Any failure, also a time-out, ends the connection; every later call fails the same way.
/// The one exception is wait_readable(), whose time-out and interruption harm nothing, because no TLS
/// operation is under way in it.
///
/// Memory: while nothing arrives it holds no buffers (SSL_MODE_RELEASE_BUFFERS; reading goes through a buffer
/// of the caller's that lives only during try_read()).
class Stream {
 public:
  enum class Wake { readable, timeout, interrupted };
  static constexpr std::chrono::milliseconds kForever = std::chrono::milliseconds::max();

  struct Impl;
  explicit Stream(std::shared_ptr<Impl> impl);
  ~Stream();  ///< closes the descriptor, without a TLS goodbye
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Waits until try_read() may have something. `interruptible`: an interrupt() (also one from before the
  /// call) ends the wait.
  Task<Wake> wait_readable(std::chrono::milliseconds timeout, bool interruptible = false);
  /// Reads what is there, without waiting. 0: nothing now. Failure(closed) at the end of the stream,
  /// Failure(tls) for broken TLS.
  std::size_t try_read(std::span<char> into);
  /// Writes all of it. `bytes` must live until it returns.
  Task<void> write_all(std::string_view bytes, std::chrono::milliseconds timeout);
  /// The handshake as make_tls() sets it up; nothing is under TLS before the certificate has been verified.
  /// Failure(certificate) tells expired, wrong host, not pinned and untrusted apart, each with its cure.
  Task<void> start_tls(std::chrono::milliseconds timeout);
  /// From here on both sides compress (RFC 4978). `already`: what the peer has sent of it and was read too
  /// early. Costs about 60 KB for as long as the connection lives: not for one that idles. What the peer
  /// sends swells only as far as try_read() has room.
  void start_deflate(std::string_view already);
  /// Much is about to come: TLS reads 64 KB from the socket at a time, through a buffer that is kept, instead
  /// of a record's header and then its body through one that comes and goes. False gives the buffer back.
  void set_bulk(bool on);
  /// Says goodbye (TLS close_notify, as far as it goes without waiting) and closes. Never fails.
  void close();

  /// Any thread: ends a pending interruptible wait, or the next one. The connection goes on.
  void interrupt();
  /// Any thread: gives the connection up; pending and later calls fail with Errc::cancelled.
  void abort();

  /// Channel bindings (channel_binding.cpp): bytes that both ends of this TLS connection share, and nobody in
  /// between. Empty where the connection has none: without TLS, tls_exporter() below TLS 1.3.
  std::string tls_exporter() const;          ///< RFC 9266
  std::string tls_server_end_point() const;  ///< RFC 5929 §4

  bool is_tls() const;
  const TlsDetails* tls_details() const;  ///< null while there is no TLS
  bool is_loopback() const;               ///< the peer's actual address
  bool is_open() const;
  const Endpoint& endpoint() const;
  Clock& clock() const;
  Executor executor() const;
  int native_handle() const;  ///< the descriptor, to look at options with getsockopt

  /// Traces to `sink` from now on; the driver writes to transcript(), which is null without it.
  void trace_to(TraceSink sink);
  Transcript* transcript() const;

 private:
  std::shared_ptr<Impl> impl_;
};

}  // namespace mailroom::net
