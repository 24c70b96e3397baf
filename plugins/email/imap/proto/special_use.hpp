// Which mailbox is the one for drafts, sent mail and the like (RFC 6154), among what LIST told. Pure.
//
// The server's word (an attribute) counts for more than a name; a name counts only where mail programs put
// it: at the top, below INBOX, or below Gmail's own folder. A mailbox of somebody else's that is shared with
// the account is never taken for its own by name.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "imap/proto/types.hpp"

namespace mailroom::imap {

enum class Use { drafts, sent, trash, junk, archive };

/// "\Drafts" ...
std::string_view attribute(Use use);
/// "drafts" ...: as it stands in tool results.
std::string_view name(Use use);

/// The names that servers and mail programs give such a mailbox, in several languages, most usual first;
/// compared without ASCII case, against the last part of a name. The first is what one is called that has to
/// be made.
std::span<const std::string_view> well_known_names(Use use);

/// The mailbox for `use`: by attribute (of several the least deep one, then the first told), else by name.
/// nullptr when there is none. What cannot be selected (\Noselect, \NonExistent) is none. Borrowed.
const ListEntry* find_special(const std::vector<ListEntry>& entries, Use use);

/// What to CREATE where find_special() found none: names to try one after the other, as the server's folders
/// are laid out. At most two.
std::vector<std::string> names_to_create(const std::vector<ListEntry>& entries, Use use);
/// The same for a mailbox of any name.
std::vector<std::string> names_to_create(const std::vector<ListEntry>& entries, const std::string& name);

}  // namespace mailroom::imap
