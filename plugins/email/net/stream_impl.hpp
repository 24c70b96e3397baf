// What a Stream is made of; shared with connect.cpp only.
#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>

#include "net/alarm.hpp"
#include "net/deflate.hpp"
#include "net/stream.hpp"
#include "net/tls_session.hpp"

struct ssl_st;

namespace mailroom::net {

struct Stream::Impl : std::enable_shared_from_this<Stream::Impl> {
  Impl(Executor e, Context c, Endpoint ep, boost::asio::ip::tcp::socket s);
  ~Impl();

  Executor executor;
  Context context;
  Endpoint endpoint;
  boost::asio::ip::tcp::socket socket;
  TlsCheck tls_check;                      // what `ssl` looks at
  std::shared_ptr<ssl_st> ssl;             // null: plain
  std::optional<TlsDetails> tls_details;   // once the handshake is done
  std::unique_ptr<Deflate> deflate;        // null: not compressed
  std::unique_ptr<Transcript> transcript;  // null: not traced
  bool loopback = false;                   // is the peer's address one of this machine's?

  Alarm reader;             // wakes the one that waits to read
  Alarm writer;             // wakes the one that waits to write
  bool read_armed = false;  // is a wait for readability under way?
  bool readable = false;    // has one ended that nobody has looked at?
  bool write_armed = false;
  bool writable = false;
  bool read_wants_write = false;  // did TLS want to write before it can read on?
  bool interrupted = false;       // has somebody interrupted, and nobody noticed yet?
  std::optional<Error> dead;      // why is the connection over?

  void arm_read();
  void arm_write();
  void check_alive() const;
  /// Ends the connection, wakes whoever waits, and throws.
  [[noreturn]] void die(Error error);
  void kill(Error error);
  Task<void> wait_writable(std::int64_t deadline_ns, const char* doing);
  std::size_t read_some(std::span<char> into);
  std::size_t read_tls(std::span<char> into);
  std::size_t read_plain(std::span<char> into);
  /// Bytes taken; 0: would block.
  std::size_t write_some(std::string_view bytes);
};

}  // namespace mailroom::net
