// A conversation with an object store: store/proto over net's stream, signed, repeated where that is safe.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/alarm.hpp"
#include "net/backoff.hpp"
#include "net/connect.hpp"
#include "store/account.hpp"

namespace mailroom::store {

struct Options {
  net::ConnectTimeouts connect;
  HttpTimeouts http;
  unsigned attempts = 6;  ///< of one request, for temporary failures only
  net::Backoff backoff{std::chrono::milliseconds(500), std::chrono::milliseconds(20'000)};
};

/// One connection at a time, opened when needed and again when it was lost. Every request here may be sent
/// twice without harm, so temporary failures (a lost connection, 5xx, SlowDown) are tried again with backoff.
/// Belongs to a strand; one call at a time; abort() from any thread. Throws Failure, see refusal().
class Client {
 public:
  /// `unix_s`: the wall clock, for signatures.
  Client(net::Executor executor, net::Context context, Account account, deliver::S3Key key,
         std::function<std::int64_t()> unix_s, net::TraceSink trace = {}, Options options = {});
  ~Client();

  const Account& account() const { return account_; }

  /// The object's size; nullopt when there is none.
  net::Task<std::optional<std::uint64_t>> head(std::string key);
  /// A small object in one request; `body` is borrowed until it returns.
  net::Task<void> put(std::string key, std::string type, std::string_view body);
  /// The body behind a presigned link, at most 1 MiB.
  net::Task<std::string> follow(std::string url);
  /// True also when there was none.
  net::Task<void> remove(std::string key);

  net::Task<std::string> begin_upload(std::string key, std::string type);
  /// The parts that the store has; nullopt when it knows no such upload.
  net::Task<std::optional<std::vector<Part>>> list_parts(std::string key, std::string upload);
  /// Stores a part; gives its ETag.
  net::Task<std::string> put_part(std::string key, std::string upload, unsigned number, std::string_view body,
                                  std::string body_sha256);
  /// Failure(state) when the upload is gone, which it is also after an earlier success whose answer was lost.
  net::Task<void> complete(std::string key, std::string upload, std::vector<Part> parts);
  net::Task<void> abort_upload(std::string key, std::string upload);

  /// Any thread: gives up; the pending call and all later ones fail with Errc::cancelled.
  void abort();

 private:
  net::Task<HttpResponse> once(const deliver::S3Request& request, std::string_view body, bool sign);
  net::Task<HttpResponse> send(deliver::S3Request request, std::string_view body, const char* doing,
                               bool sign = true);
  net::Task<void> connect();
  void drop();
  void check() const;

  net::Executor executor_;
  net::Context context_;
  const Account account_;
  deliver::S3Key key_;
  std::function<std::int64_t()> unix_s_;
  net::TraceSink trace_;
  const Options options_;
  std::atomic<bool> aborted_{false};
  std::mutex mutex_;  // guards the pointer, for abort()
  std::unique_ptr<net::Stream> stream_;
  std::shared_ptr<net::Alarm> pause_;
};

}  // namespace mailroom::store
