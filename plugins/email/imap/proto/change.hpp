// Commands that change a mailbox: APPEND, STORE, EXPUNGE, CREATE (RFC 3501, 4315, 6154). Pure.
//
// All throw Failure(invalid) for what must not be sent: flags that are none, bare CR or LF, NUL, dates out of
// range.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "imap/proto/command.hpp"
#include "imap/proto/response.hpp"
#include "imap/proto/special_use.hpp"
#include "imap/proto/uid_set.hpp"

namespace mailroom::imap {

enum class StoreMode { add, remove, replace };

/// "(\Seen $Handled)". Each is "\Word" or a keyword atom of at most 200 bytes.
std::string flag_list(const std::vector<std::string>& flags);
/// date-time of RFC 3501 §9, in UTC, with its quotes: "\"23-Nov-2026 19:16:00 +0000\""; years 1970 to 9999.
std::string date_time(std::int64_t unix_seconds);

/// `message` is borrowed until the command is done: it is written from where it lies. `internal_date`:
/// seconds since 1970; without it the server takes the time of arrival.
Command append_command(std::string_view mailbox, const std::vector<std::string>& flags,
                       std::optional<std::int64_t> internal_date, std::string_view message);
/// What the tagged OK of an APPEND tells (RFC 4315 §3); zeros where it tells nothing that can be read: the
/// message is stored all the same.
AppendResult append_result(const Response& answer);

Command store_command(const UidSet& set, StoreMode mode, const std::vector<std::string>& flags);
/// UID EXPUNGE: only these, never what others have marked (RFC 4315 §2.1).
Command expunge_command(const UidSet& set);
/// `use` is told where the server can keep it (CREATE-SPECIAL-USE, RFC 6154 §3).
Command create_command(std::string_view mailbox, std::optional<Use> use);

}  // namespace mailroom::imap
