// Copies that an earlier move left in the other mailbox when its connection broke before the original went.
#pragma once
#include <string>
#include <vector>

#include "mailbox/copies.hpp"

namespace mailroom::mailbox {

/// Which of `uids` of the selected mailbox `from` lie in `to` already: a message with the same size, time of
/// arrival (which COPY keeps, RFC 3501 §6.4.7), Message-ID, Date, From and Subject, not marked \Deleted,
/// whose bytes are the same (SHA-256 over both, fetched for these only). A message that was delivered twice
/// has another time of arrival, and is none; nor is one without a Message-ID. One copy stands for one
/// message; a copy whose original went long ago stands for another one only when that is the same in all of
/// this.
///
/// Looks at the 1,000 newest messages of `to` that the sizes and days leave, and reads 256 MB at most; what
/// is beyond counts as not there, and is copied a second time at worst. `from` is selected when it returns.
/// Throws Failure: not_found (no such mailbox), those of a lost session, state when `from` is another one
/// meanwhile.
net::Task<Copies> earlier_copies(imap::Client& client, Place from, std::vector<imap::Uid> uids,
                                 std::string to);

}  // namespace mailroom::mailbox
