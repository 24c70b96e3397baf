// A server's words about a sign-in: what they mean, and what of them may be shown. Pure.
#pragma once
#include <string>
#include <string_view>

#include "auth/mechanism.hpp"

namespace mailroom::auth {

/// A server's words about a sign-in, or a remark in their place when they repeat what was sent: servers quote
/// the line that they do not understand, and the line may be the password or the token, plain or in base64.
std::string without_secrets(std::string_view words, const Credentials& credentials);

/// Do the words say "not now" and nothing of a wrong password? A throttled sign-in is no bad password, and
/// some servers say so in words only: "Too many login attempts", "Rate limit hit".
bool says_later(std::string_view words);

/// Do the words say that the server does not know the mechanism?
bool says_unknown_mechanism(std::string_view words);

/// What to do about a refused sign-in, by the server's words where they tell, else in general.
std::string cure_for(std::string_view words, const Credentials& credentials);

}  // namespace mailroom::auth
