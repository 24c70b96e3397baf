// What may be sent: addresses, ids, header names, file names (internal to mime/).
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mime/message.hpp"

namespace mailroom::mime {

/// Throws Failure(invalid): "the message cannot be composed: WHERE WHAT".
[[noreturn]] void refuse(const std::string& where, std::string_view what, std::string cure = {});
/// Throws Failure(limit): "... WHERE is beyond LIMIT UNIT".
[[noreturn]] void too_much(const std::string& where, std::size_t limit, std::string_view unit);

/// "Mon, 23 Nov 2026 20:00:00 +0000" (RFC 5322 §3.3); years 1970 to 9999, else refused as "date".
std::string date_text(std::int64_t unix_seconds);

/// Adds the addresses that are not there yet; the case of a domain makes no difference.
void add_recipients(const std::vector<Address>& list, std::vector<std::string>& envelope);

/// Refuses anything but [A-Za-z0-9._-]{8,128}, no dot at its ends: the left side of a Message-ID.
void check_unique(std::string_view token);

/// The address with its domain in ASCII (UTS #46). `problem` says what is wrong with it, or is left empty.
std::string sendable_address(std::string_view address, std::string& problem);

/// "" or what is wrong with a message id without its angle brackets.
std::string id_problem(std::string_view id);

/// Whether a draft may set this field (Draft::extra_headers lists them).
bool is_allowed_header(std::string_view name);

/// What a mail program or a server wrote for itself (X-Mozilla-*, X-Unsent, Fcc, Received ...): none of it is
/// sent on with a draft.
bool is_private_header(std::string_view name);

bool is_token(std::string_view s);  ///< RFC 2045 §5.1, at most 127 characters

}  // namespace mailroom::mime
