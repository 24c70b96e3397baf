// Commands as bytes, and what EHLO's answer says.
#pragma once
#include <string>
#include <string_view>

#include "smtp/proto/types.hpp"

namespace mailroom::smtp {

/// `name` as EHLO takes it: a host name or address literal; anything else becomes "localhost", so that
/// nothing breaks out.
std::string ehlo(std::string_view name);
/// MAIL FROM with the parameters that the server knows: SIZE, BODY=8BITMIME, SMTPUTF8.
std::string mail_from(const Envelope& envelope, const Capabilities& caps);
std::string rcpt_to(std::string_view address);
Capabilities parse_capabilities(const Reply& reply);

}  // namespace mailroom::smtp
