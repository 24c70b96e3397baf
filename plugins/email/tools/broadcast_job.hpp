// A broadcast as it is stored: what all its messages share, and one line a recipient with what was rendered
// for them.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "host/account.hpp"
#include "mime/compose.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// More recipients than these need a way to unsubscribe.
inline constexpr std::size_t kFewRecipients = 20;
inline constexpr std::size_t kMostRecipients = 10'000;
inline constexpr std::size_t kMostLines = 64u << 20;  ///< bytes of all that is rendered

/// One recipient's message: what is not the same for all.
struct BroadcastLine {
  mime::Address to;
  std::string subject, text, html, unsubscribe_url;
  std::string dump() const;  ///< one line of JSON, with its line end
  static BroadcastLine from(const aoh::Json& json);
};

/// The record, an outbox record of kind "broadcast". `next` and `offset` say where it has come to; they may
/// be behind the truth after a crash: the outbox knows each message by its number.
struct BroadcastJob {
  enum class State { running, paused, done, cancelled };
  std::string id, credential_id, session_id;
  std::string request_sha256;  ///< of the arguments, see SendKey; empty: not compared
  State state = State::running;
  std::uint64_t version = 0;
  std::int64_t created_unix_ns = 0, send_at_unix_ns = 0;
  std::string subject;              ///< of the first message
  std::string lines, lines_sha256;  ///< the blob with one BroadcastLine after another
  std::uint64_t total = 0, next = 0, offset = 0;
  mime::Address sender;
  std::vector<mime::Address> reply_to;
  std::string list_id, unsubscribe_mailto;
  bool automatic = false;
  std::vector<aoh::Json> attachments;  ///< {blob, filename, mime_type}

  aoh::Json to_json(std::int64_t now_unix_ns) const;
  static BroadcastJob from(const aoh::Json& json, std::uint64_t version);
  /// The outbox id of message `n`.
  std::string message_id_of(std::uint64_t n) const;
};
std::string_view name(BroadcastJob::State state);

/// One message of it. `attachments`: the bytes of the job's, in order.
mime::Draft draft_of(const BroadcastJob& job, const BroadcastLine& line,
                     const std::vector<mime::DraftAttachment>& attachments);

}  // namespace mailroom::tools
