// Flags as people and models call them, and changing them on many messages.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "imap/client.hpp"
#include "support/json.hpp"

namespace mailroom::tools {

/// "seen" or "\Seen" is "\Seen"; anything else is a keyword as it stands. Throws Failure(invalid): for what
/// is no flag, \Recent, and \Deleted where `adding`, which email_update's delete is for.
std::string flag_of(std::string_view word, bool adding, const char* field);

struct FlagChange {
  std::vector<std::string> add, remove;
  bool replace = false;  ///< `add` takes the place of all flags
  std::vector<std::string> add_labels, remove_labels;
  bool empty() const;
};
/// From add_flags, remove_flags, set_flags, add_labels, remove_labels. Throws Failure(invalid).
FlagChange flag_change_of(const aoh::Json& args);

/// Changes the selected mailbox's messages and tells the flags that they have now; who is gone is missing.
/// Labels are Gmail's, elsewhere keywords. Throws Failure; unsupported where the mailbox cannot keep a
/// keyword.
net::Task<std::map<imap::Uid, std::vector<std::string>>> change_flags(imap::Client& client,
                                                                      std::vector<imap::Uid> uids,
                                                                      FlagChange change);

}  // namespace mailroom::tools
