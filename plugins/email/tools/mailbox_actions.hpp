// Whole mailboxes: listed with their counts, made, renamed, deleted.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "imap/client.hpp"

namespace mailroom::tools {

/// Those whose names match `pattern` (as LIST has it, "*" and "%"), with their uses; with `counts`, also how
/// many messages they have (of at most 100, where the server wants to be asked one by one).
net::Task<std::vector<imap::Counted>> list_mailboxes(imap::Client& client, std::string pattern, bool counts);

net::Task<imap::StatusData> create_mailbox(imap::Client& client, std::string name);
/// Throws Failure(refused) for INBOX: renaming it would move its mail (RFC 3501 §6.3.5).
net::Task<imap::StatusData> rename_mailbox(imap::Client& client, std::string from, std::string to);
/// Only an empty one without others below it. Throws Failure(refused) for INBOX and for those the account
/// needs (special uses), state when something lies in it.
net::Task<imap::StatusData> delete_mailbox(imap::Client& client, std::string name);

}  // namespace mailroom::tools
