// TLS settings, made once and shared by every connection that has the same ones.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>

struct ssl_ctx_st;

namespace mailroom::net {

/// SSL_CTX objects by CA file: TLS 1.2 and later, peers verified, no session cache, buffers released while
/// idle. A CA file that changed on disk gets a new one. Thread-safe.
class TlsContexts {
 public:
  /// `ca_file` empty: the system's trust store. Throws Failure(config) when the file cannot be read as PEM
  /// certificates.
  std::shared_ptr<ssl_ctx_st> get(const std::string& ca_file);

 private:
  struct Entry {
    std::int64_t changed_ns = 0;  // the CA file's modification time when it was read
    std::shared_ptr<ssl_ctx_st> context;
  };
  std::mutex mutex_;
  std::map<std::string, Entry> by_ca_;
};

}  // namespace mailroom::net
