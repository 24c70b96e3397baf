// One record of the outbox as it lies in the host's state store, and what it allows. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "smtp/proto/types.hpp"
#include "support/json.hpp"

namespace mailroom::outbox {

/// preview -> prepared -> committing -> sent | refused | uncertain; prepared -> failed | queued -> prepared
/// ... A crash leaves prepared or queued (nothing left this machine: the same bytes may go) or committing
/// (the server may have the message: nobody can tell).
enum class State {
  preview,     ///< shown to somebody; goes when the same key is sent
  prepared,    ///< about to go
  queued,      ///< waits: for its time, its pace, or the next attempt
  committing,  ///< its final dot may have been written
  sent,        ///< the server took responsibility for at least one recipient, and none is open
  refused,     ///< for good: nobody gets it
  failed,      ///< not sent; the same bytes may go when somebody asks again
  uncertain,   ///< nobody knows: a person looks
  cancelled,   ///< a person took it back before it went
};
std::string_view name(State state);

/// What became of the copy in the account's Sent mailbox.
enum class SentCopy { none, pending, done, failed };

struct Record {
  std::string id;
  State state = State::prepared;
  std::int64_t created_unix_ns = 0, updated_unix_ns = 0;
  std::string credential_id;
  std::string
      request_sha256;  ///< of the arguments: the same key with other arguments is a mistake of the caller's
  std::string session_id, call_id;
  std::string broadcast;  ///< the broadcast that it is one message of; empty: none
  std::string from, subject, message_id;
  std::vector<std::string> to;  ///< the envelope's
  bool smtputf8 = false;
  bool require_tls = false;      ///< every hop must use TLS (RFC 8689)
  bool delivery_report = false;  ///< a report also when it was delivered (RFC 3461)
  std::string blob;              ///< the bytes that are sent, sealed; empty when they are not needed any more
  std::uint64_t size = 0;        ///< of them
  std::string sha256;            ///< of them, hex: what a preview or an approval showed
  std::uint32_t attempts = 0;
  std::int64_t send_at_unix_ns = 0;       ///< not before; 0: at once
  std::int64_t next_attempt_unix_ns = 0;  ///< while queued
  std::string why_queued;                 ///< "send_at", "pace: ...", "temporary"
  SentCopy sent_copy = SentCopy::none;
  std::uint32_t copy_attempts = 0;
  std::vector<std::string> warnings;  ///< what was composed otherwise than asked for
  std::vector<std::string> links;     ///< large files that must be uploaded before it goes
  aoh::Json then;  ///< what follows once it was sent: {"remove_draft": {...}}; null: nothing
  aoh::Json
      recipients;  ///< [{address, state, accepted, code, enhanced, server_said}], by the last answer each got
  aoh::Json error;          ///< of the last attempt
  std::string resolved_by;  ///< the person who settled an uncertain one

  aoh::Json to_json() const;
  /// nullopt when it is not a record of ours.
  static std::optional<Record> from_json(const aoh::Json& json);

  /// What an attempt came to: each recipient's answer, and the state that follows from all of them (failed
  /// while somebody is still open). Answers of earlier attempts stay.
  void take(const smtp::Outcome& outcome);
  /// Nobody is asked about this recipient: refused for good, by us.
  void refuse(std::string_view address, const Error& why);
  /// What reports said of recipients (`bounced`, `delayed`) in a record written by somebody else meanwhile.
  void keep_reports(const Record& other);
  /// Recipients without a final answer, in the envelope's order.
  std::vector<std::string> open_recipients() const;
  /// True when nothing will ever be sent from it again.
  bool over() const;

 private:
  void list_recipients();
  void settle(bool nobody_knows);
};

/// What a call with this record's key may do.
enum class Step {
  send,            ///< send the sealed bytes
  answer,          ///< nothing is sent: the recorded outcome is the answer
  call_uncertain,  ///< found committing after a crash: becomes uncertain, nothing is sent
};
Step next_step(const Record& record);

}  // namespace mailroom::outbox
