// Messages in a list: as programs and as models read them.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "read/rows.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// A summary's JSON: addresses and subject cut to what a list needs (20 addresses, 1,000 bytes), no
/// references; with `received`, `has_attachment`, flags, uid, thread_id.
aoh::Json listed(const read::Summary& summary, const imap::MailboxState& mailbox);
/// Two lines of it, a stranger's words among them: they belong between fences.
std::string line_of(const read::Summary& summary);

/// [{"uid", "error"}], and a line each for the model.
aoh::Json unreadable_json(const std::vector<std::pair<imap::Uid, Error>>& unreadable);
std::string unreadable_lines(const std::vector<std::pair<imap::Uid, Error>>& unreadable);

}  // namespace mailroom::tools
