// Texts of a call that go to a mail server.
#pragma once
#include "aoh/sdk/call.hpp"

namespace mailroom::tools {

/// Throws Failure(invalid), naming the argument, when one of the call's texts, however deep, holds a NUL or
/// another control character: no mailbox, address or word in a mail has one, and what a server makes of it
/// nobody knows. A line end is as wrong as a NUL.
void need_plain_words(const aoh::Json& args);

}  // namespace mailroom::tools
