// The message that another one is about: read to be answered or forwarded, its attachments fetched only when
// they are kept.
#pragma once
#include <string>
#include <vector>

#include "host/account.hpp"
#include "mime/compose.hpp"
#include "tools/account_session.hpp"

namespace mailroom::tools {

/// Which attachments of the original go with it.
struct Keep {
  bool all = false;
  std::vector<std::string> parts;  ///< by part number; used when not all
};
/// From an argument: "all", "none", or a list of part numbers. Throws Failure(invalid).
Keep keep_of(const aoh::Json& args, const char* field, bool all_when_left_out);

struct OriginalWant {
  bool text = false;   ///< its readable text too
  bool whole = false;  ///< its bytes
  Keep keep;
  std::size_t max_bytes = 0;  ///< of `whole`, and of all that is kept together
};
struct Original {
  mime::Message message;
  std::vector<mime::DraftAttachment> kept;
  std::string raw;  ///< with `whole`
};
/// For within a session. Throws Failure: not_found, state, limit.
net::Task<Original> fetch_original(imap::Client& client, Which which, OriginalWant want);
/// The blocking form, in a session of its own.
Original read_original(const Toolbox& box, aoh::Call& call, const host::Account& account, const Which& which,
                       const OriginalWant& want);

/// A part of another message as an attachment: `where` is {"mailbox", "uid", "uid_validity", "message_id",
/// "part"}; without part, the whole message as message/rfc822. Fetched by BODY.PEEK, at most `max_bytes`.
/// Throws Failure.
mime::DraftAttachment part_of(const Toolbox& box, aoh::Call& call, const host::Account& account,
                              const aoh::Json& where, std::size_t max_bytes);

/// The loop guard (policy/loop_guard.hpp) for what a session sends by itself about `original`, to the people
/// of `draft`. Throws Failure(refused), which is final.
/// The second form: where what it is about is not known; of the rules those on the people it goes to.
void check_automatic(const mime::Message& original, const mime::Draft& draft,
                     const std::vector<std::string>& own);
void check_automatic(const mime::Draft& draft, const std::vector<std::string>& own);

}  // namespace mailroom::tools
