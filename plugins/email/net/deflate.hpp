// Both directions of a connection under DEFLATE (RFC 1951), as IMAP's COMPRESS has it (RFC 4978).
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace mailroom::net {

/// Takes what the peer deflated, gives what is to be sent. Memory: about 60 KB, whatever comes: output is
/// made only as far as the caller has room, so a stream that swells a thousandfold is read in the caller's
/// portions and meets the caller's limits. Throws Failure: protocol (not DEFLATE, or it ended), internal (out
/// of memory).
class Deflate {
 public:
  /// Reads compressed bytes into the span, without waiting; 0: none now.
  using Source = std::function<std::size_t(std::span<char>)>;

  Deflate();
  ~Deflate();
  Deflate(const Deflate&) = delete;
  Deflate& operator=(const Deflate&) = delete;

  /// Compressed bytes that have come already.
  void put_back(std::string_view bytes);
  /// At most into.size() bytes of what the peer meant; 0: `source` has nothing now.
  std::size_t read(std::span<char> into, const Source& source);
  /// True when read() may give something without `source`.
  bool has_rest() const;
  /// `bytes` as they are written, complete up to their end (Z_SYNC_FLUSH).
  std::string pack(std::string_view bytes);

 private:
  struct Streams;
  std::unique_ptr<Streams> z_;
  std::string in_;  // compressed bytes that came; what is not inflated yet is in the stream's next_in
};

}  // namespace mailroom::net
