// One HTTP/1.1 request and its answer (RFC 9112), as much of it as an object store or a token endpoint needs.
#pragma once
#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/machine.hpp"

namespace mailroom::http {

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields;  ///< names in lower case
  std::string body;
  bool keeps_open = false;  ///< may the connection carry another request?

  /// The first field of that lower-case name; empty when there is none.
  const std::string& field(std::string_view name) const;
};

struct HttpLimits {
  std::size_t head = 32u << 10;  ///< status line and fields
  std::size_t fields = 100;
  std::size_t body = 1u << 20;  ///< answers are XML, or a probe's bytes
};

struct HttpTimeouts {
  std::chrono::milliseconds write{60'000};  ///< for each 256 KiB
  std::chrono::milliseconds answer{60'000};
  std::chrono::milliseconds proceed{3'000};  ///< for "100 Continue"; then the body goes out without it
};

/// Strict where the two ends could disagree: no obsolete folding, no bare LF, one Content-Length, "chunked"
/// as the only coding, never both, nothing behind the answer. Bodies go out only after "100 Continue" where
/// `expects`: a refusal then costs nothing and is not lost in a reset connection.
///
/// Whatever is written is marked as secret: signatures and files stay out of traces.
class Exchange final : public Machine {
 public:
  /// `head`: request line and fields with the empty line. `body` is borrowed until the end. `bodiless`: the
  /// answer has no body whatever its fields say (HEAD).
  Exchange(std::string head, std::string_view body, bool expects, bool bodiless, HttpTimeouts timeouts = {},
           HttpLimits limits = {});

  Action next() override;
  void feed(std::string_view bytes) override;
  void written() override;
  void tls_started() override {}
  void fail(Error cause) override;
  const Error& error() const override { return error_; }

  /// Is it waiting for "100 Continue"? proceed() sends the body without.
  bool awaits_proceed() const { return state_ == State::awaiting && response_.status == 0; }
  void proceed();
  const HttpTimeouts& timeouts() const { return timeouts_; }
  /// Complete once next() says done.
  HttpResponse& response() { return response_; }

 private:
  enum class State { head, awaiting, body, answer, done, failed };
  enum class Reading { head, fixed, chunk_size, chunk, chunk_end, trailer };
  void broken(Errc code, std::string what);
  void take();  // as much of input_ as makes sense now
  bool take_head();
  bool take_line(std::string& line, std::size_t most);
  bool take_chunked();
  void begin_body();
  void finish();

  std::string head_;
  std::string_view body_;
  const bool expects_, bodiless_;
  const HttpTimeouts timeouts_;
  const HttpLimits limits_;
  State state_ = State::head;
  Reading reading_ = Reading::head;
  std::string input_;
  std::size_t left_ = 0;      // bytes of the body or chunk still to come
  std::size_t interim_ = 0;   // 1xx answers seen
  std::size_t trailers_ = 0;  // bytes of trailer fields seen
  bool unsent_ = false;       // did the answer come before the whole body had gone out?
  HttpResponse response_;
  Error error_;
};

}  // namespace mailroom::http
