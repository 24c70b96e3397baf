// The durable outbox: what is about to leave is on disk before it leaves, and what left never leaves again.
//
// Records lie in aoh.state/1 below "outbox/", the bytes in sealed blobs. The order of writes is the
// guarantee:
//   bytes sealed -> record `prepared` -> all but the final dot on the wire -> record `committing` -> final
//   dot -> outcome.
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "host/services.hpp"
#include "mime/compose.hpp"
#include "tools/outbox_record.hpp"

namespace mailroom::tools {

/// Thread-safe. Outlives every claim.
class Outbox {
 public:
  explicit Outbox(const host::Services& services) : services_(services) {}

  /// The record's id for an idempotency key: a hash, so that keys of any content and length are safe.
  static std::string id_of(std::string_view credential_id, std::string_view scope, std::string_view key);

  /// The right to work on one id; at most one at a time in the process.
  class Claim {
   public:
    Claim(Outbox& outbox, std::string id) : outbox_(outbox), id_(std::move(id)) {}
    ~Claim();
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

   private:
    Outbox& outbox_;
    const std::string id_;
  };
  /// nullptr: another call has it.
  std::shared_ptr<Claim> claim(const std::string& id);

  /// A record and the version it was read or written at. The holder of the claim works on it.
  struct Entry {
    OutboxRecord record;
    std::uint64_t version = 0;
  };
  std::optional<Entry> find(const std::string& id) const;
  /// Seals the composed bytes and writes the first record. `record` brings what the message does not tell.
  /// Throws Failure.
  Entry prepare(OutboxRecord record, const mime::Composed& composed, const std::string& subject) const;
  /// Writes the record with the time of now; durable on return. Once it is certain that the bytes never go
  /// again (sent, refused) they are freed, and `blob` is empty. Throws Failure(temporary) when somebody else
  /// changed it.
  void save(Entry& entry) const;
  /// The sealed bytes. Throws Failure.
  std::string bytes(const OutboxRecord& record) const;

 private:
  void write(Entry& entry) const;
  host::Services services_;
  std::mutex mutex_;
  std::set<std::string> claimed_;
};

/// SHA-256, lower-case hex.
std::string sha256_hex(std::string_view bytes);

}  // namespace mailroom::tools
