// One file into an object store: whole when small, else in parts, going on where an earlier attempt ended.
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "store/client.hpp"

namespace mailroom::store {

/// Gives `n` bytes from `offset` on, fewer at the end only. Called on the strand, 256 KiB at a time; may
/// throw Failure. Must give the same bytes each time.
using Reader = std::function<std::string(std::uint64_t offset, std::size_t n)>;

struct Upload {
  std::string key, type;
  std::uint64_t size = 0;
  std::string sha256;     ///< of the whole; other bytes are not stored
  std::string upload_id;  ///< of an earlier attempt in parts; empty: none
  Reader read;
  /// Stores an upload's id durably before its first part goes out. May throw: then nothing was sent.
  std::function<void(const std::string& upload_id)> began;
  /// Bytes that the store has, of `size`. May be empty; throws Failure(cancelled) to stop.
  std::function<void(std::uint64_t done)> progress;
};

/// Memory: one part (8 MiB up to 80 GB) and small change. Parts that the store has already, by number, size
/// and MD5 (their ETag), are read and hashed again, not sent again; where ETags are no MD5 (SSE-KMS) they are
/// sent again. An upload that the store has forgotten begins anew.
///
/// Throws Failure. One that time or a corrected credential mends leaves the parts for the next attempt; any
/// other (refused, limit, state, not_found) gives the upload up, as far as the store lets it. state: the
/// bytes are not those that `sha256` tells of.
net::Task<void> upload(Client& client, Upload& job);

/// SHA-256 of what `read` gives, in hex, read in pieces; blocks. Failure(state) when it is not `size` long.
/// `check` is called between pieces and may throw.
std::string hash_of(const Reader& read, std::uint64_t size, const std::function<void()>& check = {});

}  // namespace mailroom::store
