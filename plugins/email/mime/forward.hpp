// Forwards: subject, threading, the header block and text of the message that is passed on. Pure.
#pragma once
#include <cstddef>
#include <string>

#include "mime/compose.hpp"
#include "mime/message.hpp"

namespace mailroom::mime {

/// The message as text below a comment: a line that says what it is, From, Date, Subject, To and Cc, then its
/// readable text unquoted; at most `max_bytes` of it. Lists longer than 50 addresses are cut, and say so.
std::string forward_text(const Message& original, std::size_t max_bytes = 256u << 10);
/// The same as HTML. The original's markup is not passed on: its readable text is escaped.
std::string forward_html(const Message& original, std::size_t max_bytes = 256u << 10);

/// What makes a forward of `original`: subject and references. It begins no answer, so there is no
/// In-Reply-To (RFC 5322 §3.6.4); References keep it in the conversation. Recipients, From and bodies are the
/// caller's.
Draft forward_draft(const Message& original);

/// A name for the message attached to another: its subject, ".eml".
std::string forward_filename(const Message& original);

}  // namespace mailroom::mime
