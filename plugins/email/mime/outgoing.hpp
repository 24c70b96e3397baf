// What may be sent: addresses, ids, header names, file names (internal to mime/).
#pragma once
#include <string>
#include <string_view>

namespace mailroom::mime {

/// The address with its domain in ASCII (UTS #46). `problem` says what is wrong with it, or is left empty.
std::string sendable_address(std::string_view address, std::string& problem);

/// "" or what is wrong with a message id without its angle brackets.
std::string id_problem(std::string_view id);

/// Whether a draft may set this field (Draft::extra_headers lists them).
bool is_allowed_header(std::string_view name);

bool is_token(std::string_view s);  ///< RFC 2045 §5.1, at most 127 characters

}  // namespace mailroom::mime
