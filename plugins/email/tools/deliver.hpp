// From a draft to the server's answer, through the outbox. What email_send and email_reply share.
#pragma once
#include <functional>

#include "host/account.hpp"
#include "mime/compose.hpp"
#include "tools/outbox.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// Under which name a call is remembered.
struct SendKey {
  std::string outbox_id;
  std::string request_sha256;  ///< empty: the host made the key, its arguments are not compared
};
/// From the argument idempotency_key (within the session or agent), else the host's own key, else the call's
/// id.
SendKey send_key(const aoh::Json& args, const aoh::Call& call, const std::string& credential_id);

/// Sends what `draft` makes, once for each key: a message that was prepared before is sent with the very same
/// bytes, one that was sent is answered from the record and `draft` is not called. Errors are results
/// (refused, failed, uncertain) or Failures.
aoh::Result send_once(const Toolbox& box, aoh::Call& call, const host::Account& account, const SendKey& key,
                      const std::function<mime::Draft()>& draft);

/// From, as the argument `from` or the account's first identity. Throws Failure(refused) for any other
/// address.
mime::Address sender_of(const aoh::Json& args, const host::Account& account);

/// The argument `attachments` with their bytes. Throws Failure.
std::vector<mime::DraftAttachment> attachments_of(const Toolbox& box, const aoh::Json& args,
                                                  const aoh::Call& call);

/// The session's opening payload when the call belongs to a session that an event opened, else null: what
/// such a session sends is automatic mail (RFC 3834).
aoh::Json trigger_of(const Toolbox& box, const aoh::Call& call);

}  // namespace mailroom::tools
