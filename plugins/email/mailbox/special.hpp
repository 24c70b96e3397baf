// The account's own mailboxes for drafts, sent mail and the like (RFC 6154), and single messages in them.
//
// All are coroutines on the session's strand; they throw Failure, and leave another mailbox selected than
// before.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imap/client.hpp"
#include "support/json.hpp"

namespace mailroom::mailbox {

/// Where a message lies. `uid_validity` 0: the server told none.
struct Place {
  std::string mailbox;
  std::uint32_t uid_validity = 0;
  imap::Uid uid = 0;  ///< 0: the server did not tell, and it could not be found either
};

/// {"mailbox", "uid_validity", "uid"}, for records that outlive a session; what cannot be read is 0 or empty.
aoh::Json to_json(const Place& place);
Place place_from(const aoh::Json& json);

/// The mailbox for `use`; nullopt when there is none.
net::Task<std::optional<std::string>> find_mailbox(imap::Client& client, imap::Use use);

/// The same; a missing one is made, for drafts and sent only. Throws what the server says when it refuses to
/// make one; not_found for the other uses. Never makes a second one: it looks again before it gives up.
net::Task<std::string> special_mailbox(imap::Client& client, imap::Use use);

/// The mailbox `name`, made where there is none; where the server keeps everything below INBOX, that may be
/// the one of this name there, which is returned. Throws what the server says when it refuses to make one.
net::Task<std::string> find_or_make(imap::Client& client, std::string name);

/// The messages of `mailbox` with this Message-ID (without angle brackets), ascending, at most 50; those
/// marked \Deleted do not count. Selects the mailbox read-only. The header is read again here, since SEARCH
/// finds parts of words, and some servers find everything.
net::Task<std::vector<imap::Uid>> find_by_message_id(imap::Client& client, std::string mailbox,
                                                     std::string message_id);

enum class Removal {
  removed,
  marked,  ///< marked \Deleted, and left to whoever expunges: the server cannot remove single messages (no
           ///< UIDPLUS)
  gone,    ///< it was not there any more
};
/// "removed" ...
std::string_view name(Removal removal);
/// Removes one message: UID STORE \Deleted, UID EXPUNGE. Never a plain EXPUNGE, which would remove what
/// others have marked. Throws state when the mailbox numbers its messages anew (`place.uid_validity` is
/// another's).
net::Task<Removal> remove_message(imap::Client& client, Place place);

/// Whether the selected mailbox has the message, not marked \Deleted.
net::Task<bool> exists(imap::Client& client, imap::Uid uid);

/// Selects `place.mailbox` and checks UIDVALIDITY. Throws state when it is another one now.
net::Task<imap::MailboxState> open_at(imap::Client& client, Place place, bool read_only);

}  // namespace mailroom::mailbox
