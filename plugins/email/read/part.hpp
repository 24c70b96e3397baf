// One part of a message as a file, and a whole message as bytes: fetched by BODY.PEEK, never setting \Seen.
#pragma once
#include <string>

#include "imap/client.hpp"
#include "mime/compose.hpp"

namespace mailroom::read {

/// Part `number` ("2", "1.3") of the message whose row `head` was fetched with head_items(): its transfer
/// encoding undone, its name and type as the sender gave them, so that it can be attached to another message.
/// An attached message is the part "2" as a whole. Throws Failure: not_found (no such part, or the message is
/// gone), limit (more than `max_bytes` in its encoding), unsupported (the server tells no structure).
net::Task<mime::DraftAttachment> fetch_part(imap::Client& client, const imap::MessageRow& head,
                                            std::string number, std::size_t max_bytes);

/// The whole message. Throws Failure: not_found, limit.
net::Task<std::string> fetch_whole(imap::Client& client, imap::Uid uid, std::size_t max_bytes);

}  // namespace mailroom::read
