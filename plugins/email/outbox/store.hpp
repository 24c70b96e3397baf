// The durable outbox: what is about to leave is on disk before it leaves, and what left never leaves again.
//
// Records lie in aoh.state/1 below "outbox/", the bytes in sealed blobs. The order of writes is the
// guarantee:
//   bytes sealed -> record `prepared` -> all but the final dot on the wire -> record `committing` -> final
//   dot -> outcome.
// Two further keys change with the record, in the same transaction: "due/<id>" is there while something has
// still to be done for it, "sent/<hash of the Message-ID>" tells which record a delivery report is about.
#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "host/services.hpp"
#include "mime/compose.hpp"
#include "outbox/record.hpp"

namespace mailroom::outbox {

/// Thread-safe. Outlives every claim.
class Store {
 public:
  explicit Store(const host::Services& services) : services_(services) {}

  /// The record's id for an idempotency key: a hash, so that keys of any content and length are safe.
  static std::string id_of(std::string_view credential_id, std::string_view scope, std::string_view key);

  /// The right to work on one id; at most one at a time in the process.
  class Claim {
   public:
    Claim(Store& outbox, std::string id) : outbox_(outbox), id_(std::move(id)) {}
    ~Claim();
    Claim(const Claim&) = delete;
    Claim& operator=(const Claim&) = delete;

   private:
    Store& outbox_;
    const std::string id_;
  };
  /// nullptr: somebody else has it, and still had it after `patience`.
  std::shared_ptr<Claim> claim(const std::string& id, std::chrono::milliseconds patience = {});

  /// A record and the version it was read or written at. The holder of the claim works on it.
  struct Entry {
    Record record;
    std::uint64_t version = 0;
    bool due = false;      ///< its "due/" key is there
    bool unsaved = false;  ///< the outcome is known, but not on disk: save() it
  };
  std::optional<Entry> find(const std::string& id) const;
  /// Seals the composed bytes and writes the first record, in the state that `record` has. It brings what the
  /// message does not tell. Throws Failure.
  Entry prepare(Record record, const mime::Composed& composed, const std::string& subject) const;
  /// Writes the record with the time of now, and `with` in the same transaction; durable on return. Once it
  /// is certain that the bytes never go again (sent, refused, cancelled) and no copy of them is wanted they
  /// are freed, and `blob` is empty. Throws Failure(temporary) when somebody else changed it.
  void save(Entry& entry, std::vector<aoh::State::Put> with = {}) const;
  /// The outcome of `entry` could not be written: find() tells it until somebody can, or changes the record.
  void keep_unsaved(const Entry& entry);
  bool has_unsaved(const std::string& id) const;
  /// True when the record is one message of a broadcast that a person holds or has ended.
  bool held(const Record& record) const;
  /// The sealed bytes. Throws Failure.
  std::string bytes(const Record& record) const;
  /// Ids of the records that wait for something, at most `limit`, after `after` in byte order.
  std::vector<std::string> due(std::string_view after, std::uint32_t limit = 1000) const;
  /// Takes a queued record back as if it had never been prepared, also from an attempt that has not come to
  /// its final dot: its commit fails then. False when it is committing or over.
  bool withdraw(const std::string& id) const;
  /// Removes what has lain long enough, with its bytes: kKeep after the last change, an uncertain record
  /// kKeepUncertain. Looks at `limit` records after `after`; returns the last one's id, "" at the end.
  std::string expire(const std::string& after, std::uint32_t limit) const;
  static constexpr std::int64_t kKeep = 30LL * 24 * 3600 * 1'000'000'000;
  static constexpr std::int64_t kKeepUncertain = 365LL * 24 * 3600 * 1'000'000'000;
  /// Forgets that something was due for a record that is gone.
  void drop_due(const std::string& id) const;

 private:
  void write(Entry& entry, std::vector<aoh::State::Put> with) const;
  host::Services services_;
  mutable std::mutex mutex_;
  std::condition_variable released_;
  std::set<std::string> claimed_;
  mutable std::map<std::string, Entry> unsaved_;  // as many as attempts can be under way
};

/// The key under which the record of a Message-ID (without angle brackets) is found: {"outbox_id"}.
std::string sent_key(std::string_view message_id);

}  // namespace mailroom::outbox
