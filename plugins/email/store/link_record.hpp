// The durable record of a link: what lies where, for whom, until when, and how far it has come.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/services.hpp"
#include "support/json.hpp"

namespace mailroom::store {

struct LinkRecord {
  enum class State {
    uploading,  ///< on its way; upload_id says where to go on
    ready,      ///< the store has it, the link works
    failed,     ///< given up; error says why
    revoked,    ///< deleted at somebody's word
    expired,    ///< deleted as nobody can follow the link any more
  };
  std::string id;  ///< of the record; does not tell the object's name
  State state = State::uploading;
  std::string store;       ///< credential of type s3
  std::string credential;  ///< the mail account that it was made for
  std::string object_key, filename, sha256;
  std::uint64_t size = 0;
  std::int64_t signed_s = 0, expires_s = 0;  ///< Unix time, begin and end of the link
  std::string message_id, outbox_id;
  std::string upload_id;  ///< multipart upload under way; empty: none
  std::string error;      ///< one line
  std::int64_t created_ns = 0, updated_ns = 0;

  bool is_over() const { return state == State::revoked || state == State::expired; }
  aoh::Json json() const;
  /// nullopt for what is no record.
  static std::optional<LinkRecord> from(const aoh::Json& json);
};
const char* name(LinkRecord::State state);

/// The record's id for an object's name: a hash, as whoever sees records shall not learn names.
std::string link_id(std::string_view object_key);

/// Records in aoh.state/1 below "links/". Thread-safe; blocks on the disk. Throws Failure.
class LinkTable {
 public:
  explicit LinkTable(const host::Services& services) : services_(services) {}
  std::optional<LinkRecord> find(std::string_view id) const;
  /// Writes with the time of now; durable on return.
  void save(LinkRecord& record) const;
  /// All, by id; at most `most`.
  std::vector<LinkRecord> all(std::size_t most = 10'000) const;
  void forget(std::string_view id) const;

 private:
  host::Services services_;
};

}  // namespace mailroom::store
