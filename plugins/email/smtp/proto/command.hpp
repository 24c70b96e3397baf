// Commands as bytes, and what EHLO's answer says.
#pragma once
#include <string>
#include <string_view>

#include "smtp/proto/types.hpp"

namespace mailroom::smtp {

/// `name` as EHLO takes it: a host name or address literal; anything else becomes "localhost", so that
/// nothing breaks out.
std::string ehlo(std::string_view name);
/// MAIL FROM with the parameters that the server knows: SIZE, BODY=8BITMIME, SMTPUTF8, REQUIRETLS, RET,
/// ENVID.
std::string mail_from(const Envelope& envelope, const Capabilities& caps);
/// RCPT TO for recipient `i`, with NOTIFY and ORCPT where reports are wanted and the server knows DSN.
std::string rcpt_to(const Envelope& envelope, std::size_t i, const Capabilities& caps);
/// RFC 3461 §4: graphic ASCII but "+" and "=" as it is, all else as "+" and two hexadecimal digits.
std::string xtext(std::string_view text);
/// An address as ORCPT carries it: "rfc822;" and xtext, or with other than ASCII "utf-8;" in the 7-bit form
/// of RFC 6533 §3, which every server that knows DSN can pass on.
std::string original_recipient(std::string_view address);
Capabilities parse_capabilities(const Reply& reply);

}  // namespace mailroom::smtp
