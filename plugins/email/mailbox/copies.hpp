// COPY, and the proof that the copies lie there.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "mailbox/special.hpp"

namespace mailroom::mailbox {

struct Copies {
  std::uint32_t uid_validity = 0;       ///< of the other mailbox; 0: not told
  std::map<imap::Uid, imap::Uid> uids;  ///< here, there: of those whose copy is known to lie there
  Error error;  ///< the server refused to copy: what was asked for may lie there in part
};

/// Copies the messages of the selected mailbox `from`, which is selected again when it returns. Proof is
/// COPYUID; without it the other mailbox is looked at: messages that came since, with the same size and the
/// same Message-ID, Date, From and Subject, each taken once. Throws Failure: not_found, those of a lost
/// session, state when `from` is another one meanwhile.
net::Task<Copies> copy_and_look(imap::Client& client, Place from, std::vector<imap::Uid> uids,
                                std::string to);

}  // namespace mailroom::mailbox
