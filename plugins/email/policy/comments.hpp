// Structured header values without what is only for people. Pure.
#pragma once
#include <string>
#include <string_view>

namespace mailroom::policy {

/// `value` without its comments (RFC 5322 §3.2.2), which may nest; a quoted string stays as it is. One that
/// does not end takes the rest.
std::string without_comments(std::string_view value);

}  // namespace mailroom::policy
