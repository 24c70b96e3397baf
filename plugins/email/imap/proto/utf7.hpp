// Mailbox names: modified UTF-7 (RFC 3501 §5.1.3).
#pragma once
#include <string>
#include <string_view>

namespace mailroom::imap {

/// Invalid UTF-8 is replaced by U+FFFD first.
std::string to_utf7(std::string_view utf8);
/// A name that is not valid modified UTF-7 is given back as it is (made valid UTF-8): some servers send raw
/// UTF-8.
std::string from_utf7(std::string_view name);
/// A name as the server wrote it: UTF-8 where the session has names so (`as_utf8`), else modified UTF-7.
std::string from_wire(std::string_view name, bool as_utf8);

}  // namespace mailroom::imap
