// What a server says in the challenge that follows a refused token (RFC 7628 §3.2.2). Pure.
#pragma once
#include <string>
#include <string_view>

namespace mailroom::auth {

/// "status invalid_token, scope https://mail.google.com/" from the JSON; the text itself where it is none.
/// A stranger's words, at most 512 bytes, printable; empty for an empty challenge.
std::string oauth_words(std::string_view challenge);

}  // namespace mailroom::auth
