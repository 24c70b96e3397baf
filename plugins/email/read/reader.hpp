// One message read over IMAP. Never sets \Seen.
#pragma once
#include <optional>
#include <string>

#include "imap/client.hpp"
#include "mime/json.hpp"
#include "read/part_plan.hpp"

namespace mailroom::read {

/// What is asked of every message before its text: who, what, when, of which parts.
imap::FetchItems head_items(const imap::Client& client);

/// The row of one message, nullopt when there is none (expunged meanwhile). Throws Failure; unsupported when
/// the server's answer does not even let the message be told, so that it may have been its row.
net::Task<std::optional<imap::MessageRow>> fetch_one(imap::Client& client, imap::Uid uid,
                                                     imap::FetchItems items);

/// The text of a message whose head is known: one more FETCH. Throws Failure: not_found when the message is
/// gone meanwhile, unsupported when the server's answer cannot be read.
net::Task<mime::Message> fetch_text(imap::Client& client, const imap::MessageRow& head,
                                    TextLimits limits = {});

/// Header fields and attachments' names, without text: no further FETCH but of the parts' headers.
net::Task<mime::Message> fetch_summary(imap::Client& client, const imap::MessageRow& head);

/// The JSON of SPEC §2 with what only the server knows: flags, mailbox, uid, uid_validity, thread_id.
aoh::Json to_json(const mime::Message& message, const imap::MessageRow& row,
                  const imap::MailboxState& mailbox, const mime::RenderOptions& options);

/// The conversation: the server's THREADID, else the first id of References, In-Reply-To, or the message's
/// own. A sender can claim any; "" when there is nothing to go by.
std::string thread_id(const mime::Message& message, const imap::MessageRow& row);

}  // namespace mailroom::read
