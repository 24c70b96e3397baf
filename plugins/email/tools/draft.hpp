// email_draft: drafts in the account's own Drafts mailbox.
#pragma once
#include <optional>

#include "mailbox/draft_box.hpp"
#include "mime/compose.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// Actions create, update, list, show, send, discard. Answers {"action", ...}: create and update {"draft":
/// {"mailbox", "uid", "uid_validity", "message_id", "size"}}, list {"drafts", "total", "before_uid"}, show
/// {"message"}, send what email_send answers and {"removal"}, discard {"removal"}.
///
/// The tool's grant is `draft`; sending asks for `send` among the call's grants. What is sent goes through
/// the outbox under a key of the credential, the mailbox, its UIDVALIDITY and the UID: the same draft never
/// goes twice. It is removed only after it was sent; an uncertain or failed outcome leaves it.
aoh::Result email_draft(const Toolbox& box, const aoh::Json& args, aoh::Call& call);

struct StoredDraft {
  mailbox::Place place;
  std::string message_id;
  std::size_t size = 0;
  bool repeated = false;  ///< it was there already: the same key stored it before
  /// What became of the older version; absent for a new draft, and when it could not be removed (it is still
  /// there).
  std::optional<mailbox::Removal> older;
};
/// Stores a new draft, for `mode: draft` of the sending tools. The same idempotency key never stores it
/// twice.
StoredDraft store_draft(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                        const host::Account& account, mime::Draft draft);
/// The answer to it.
aoh::Result stored_result(const StoredDraft& stored, std::string_view action);

}  // namespace mailroom::tools
