// One record of the outbox as it lies in the host's state store, and what it allows. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "smtp/proto/types.hpp"
#include "support/json.hpp"

namespace mailroom::tools {

/// prepared -> committing -> sent | refused | uncertain; prepared -> failed -> prepared ... A crash leaves
/// prepared (nothing left this machine: the same bytes may go) or committing (the server may have the
/// message: nobody can tell).
enum class OutboxState { prepared, committing, sent, refused, failed, uncertain };
std::string_view name(OutboxState state);

struct OutboxRecord {
  std::string id;
  OutboxState state = OutboxState::prepared;
  std::int64_t created_unix_ns = 0, updated_unix_ns = 0;
  std::string credential_id;
  std::string
      request_sha256;  ///< of the arguments: the same key with other arguments is a mistake of the caller's
  std::string session_id, call_id;
  std::string from, subject, message_id;
  std::vector<std::string> to;  ///< the envelope's
  bool smtputf8 = false;
  std::string blob;        ///< the bytes that are sent, sealed; empty when they are not needed any more
  std::uint64_t size = 0;  ///< of them
  std::uint32_t attempts = 0;
  aoh::Json recipients;     ///< of the last outcome: [{address, accepted, code, enhanced, server_said}]
  aoh::Json error;          ///< of the last outcome
  std::string resolved_by;  ///< the person who settled an uncertain one

  aoh::Json to_json() const;
  /// nullopt when it is not a record of ours.
  static std::optional<OutboxRecord> from_json(const aoh::Json& json);

  /// "sent", "refused" ...: what the outcome means for the record. Keeps `to`'s order.
  void take(const smtp::Outcome& outcome);
};

/// What a call with this record's key may do.
enum class OutboxStep {
  send,            ///< send the sealed bytes
  answer,          ///< nothing is sent: the recorded outcome is the answer
  call_uncertain,  ///< found committing after a crash: becomes uncertain, nothing is sent
};
OutboxStep next_step(const OutboxRecord& record);

}  // namespace mailroom::tools
