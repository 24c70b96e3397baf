// What a watcher hands over for a message. Pure but for the hash.
#pragma once
#include <string>
#include <string_view>

#include "imap/proto/types.hpp"
#include "mime/message.hpp"
#include "support/json.hpp"
#include "watch/source.hpp"

namespace mailroom::watch {

/// SHA-256 over header block, size and INTERNALDATE, 32 bytes: what a message is recognised by when the
/// server numbers anew.
std::string digest_of(const imap::MessageRow& head);

/// The message's identity for the host, at most 512 bytes: the server's own (EMAILID, X-GM-MSGID), else
/// UIDVALIDITY and UID; never the Message-ID, which a sender can forge. Tells accounts and mailboxes apart,
/// so that a blueprint may move.
std::string dedupe_key(const Source& source, std::uint32_t uid_validity, const imap::MessageRow& row);

/// {"email": {...}} as blueprints see it: the JSON of SPEC §2 with `text`, body_text, body_html, mailbox,
/// uid, uid_validity, credential_id, thread_id. Text is cut until the whole has at most `max_bytes`.
aoh::Json payload_of(const Source& source, std::uint32_t uid_validity, const mime::Message& message,
                     const imap::MessageRow& row, std::size_t max_bytes = 256u << 10);

}  // namespace mailroom::watch
