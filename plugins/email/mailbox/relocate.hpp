// Messages copied, moved and removed, many at once, such that none is ever lost.
//
// A message is deleted only when its copy is known to lie where it should: the server moved it itself (MOVE,
// RFC 6851), or told the copy's UID (COPYUID, RFC 4315), or the copy was seen there. Where any of that fails,
// the message stays. A connection that is cut in between leaves it in both places at worst; the move that is
// repeated finds that copy (earlier.hpp) and makes no second one.
//
// All are coroutines on the session's strand. They throw Failure before anything is changed: state (another
// UIDVALIDITY), not_found (no such mailbox), refused (read-only), invalid; and those of a lost session.
#pragma once
#include <string>
#include <vector>

#include "mailbox/special.hpp"

namespace mailroom::mailbox {

enum class Fate {
  copied,
  moved,
  removed,
  marked,  ///< marked \Deleted, and left to whoever expunges (no UIDPLUS); moved: its copy lies there
  gone,    ///< it was not there any more
  kept,    ///< nothing was done to it: `error` says why
};
/// "copied" ...
std::string_view name(Fate fate);

struct Fared {
  imap::Uid uid = 0;
  Fate fate = Fate::kept;
  Place there;  ///< the copy; uid 0: it is there, the server did not tell under which number
  Error error;
};

/// `from.uid` is not looked at. One result for each of `uids`, in their order.
net::Task<std::vector<Fared>> copy_messages(imap::Client& client, Place from, std::vector<imap::Uid> uids,
                                            std::string to);
net::Task<std::vector<Fared>> move_messages(imap::Client& client, Place from, std::vector<imap::Uid> uids,
                                            std::string to);
/// For good: \Deleted and UID EXPUNGE; never a plain EXPUNGE, which would remove what others have marked.
net::Task<std::vector<Fared>> remove_messages(imap::Client& client, Place from, std::vector<imap::Uid> uids);

}  // namespace mailroom::mailbox
