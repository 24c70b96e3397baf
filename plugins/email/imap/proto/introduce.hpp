// Commands between the sign-in and the first SELECT: ID (RFC 2971), ENABLE (RFC 5161). Pure.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "imap/proto/command.hpp"
#include "imap/proto/session.hpp"

namespace mailroom::imap {

/// Names to values, as RFC 2971 §3.3 lists them.
using Identity = std::map<std::string, std::string>;

/// `ID NIL` for an empty one. At most 30 fields, names of at most 30 and values of at most 1,024 bytes go out
/// (RFC 2971 §3.3); what is beyond is left out.
Command id_command(const Identity& own);

/// What of `wanted` the server offers and has not enabled yet.
std::vector<std::string> to_enable(const Session& session, const std::vector<std::string>& wanted);
/// ENABLE of those; not empty.
Command enable_command(const std::vector<std::string>& names);

}  // namespace mailroom::imap
