// From a composed message to the server's answer, through the outbox. What all tools that send share.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "host/account.hpp"
#include "mime/compose.hpp"
#include "outbox/outbox.hpp"
#include "tools/compose_args.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// Under which name a call is remembered.
struct SendKey {
  std::string outbox_id;
  std::string request_sha256;  ///< empty: the host made the key, its arguments are not compared
  std::string told;            ///< the idempotency_key that a caller repeats it by; empty: the host's own
};
/// From the argument idempotency_key (within the session or agent), else the host's own key, else the call's
/// id. A preview without a key gets one of its own.
SendKey send_key(const aoh::Json& args, const aoh::Call& call, const std::string& credential_id);

/// Throws Failure(invalid) when the key was used before, for a request with another hash than the key's.
void check_same_request(const SendKey& key, std::string_view before_sha256);

/// What is to be sent, ready but for the signature.
struct Outgoing {
  mime::Composed mail;
  std::string subject;
  aoh::Json links;  ///< plans of large files, from attach(); null: none
  aoh::Json then;   ///< see outbox::Record::then
};

struct SendOptions {
  bool preview = false;
  bool draft = false;  ///< nothing is sent: the tool stores what it would send in the Drafts mailbox
  std::int64_t send_at_unix_ns = 0;
  bool require_tls = false, delivery_report = false;  ///< as in outbox::Record
  /// From the arguments `mode`, `send_at`, `require_tls` and `delivery_report`. Throws Failure(invalid).
  /// Puts the planned files in place before the message goes; called also for one that was prepared before.
  std::function<void(const outbox::Record&)> upload;
  static SendOptions of(const Toolbox& box, const aoh::Json& args);
};

/// Sends what `make` makes, once for each key: a message that was prepared or previewed before is sent with
/// the very same bytes, one that was sent is answered from the record and `make` is not called. The bytes are
/// signed (DKIM) and sealed before anything leaves. Errors are results (refused, failed, uncertain) or
/// Failures.
aoh::Result send_once(const Toolbox& box, aoh::Call& call, const host::Account& account, const SendKey& key,
                      const SendOptions& options, const std::function<Outgoing()>& make);

}  // namespace mailroom::tools
