// Replies: threading headers, subject prefix, recipients, quoting (RFC 5322 §3.6.4).
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "mime/compose.hpp"
#include "mime/message.hpp"

namespace mailroom::mime {

struct Threading {
  std::string in_reply_to;              ///< the original's Message-ID; empty when it had none
  std::vector<std::string> references;  ///< oldest first, at most `max_references`: first and latest kept
};
Threading reply_threading(const Message& original, std::size_t max_references = 50);

/// "Re: " + the subject; unchanged when it already begins with a reply prefix of any common language (Re, AW,
/// SV, Antw, RV, Odp, 回复, 答复, Re[2] ...).
std::string reply_subject(std::string_view subject);
/// "Fwd: " + the subject without the forward prefixes that it begins with, in any common language (Fwd, Fw,
/// WG, TR, RV, 转发 ...): one prefix, whoever forwarded it before.
std::string forward_subject(std::string_view subject);
/// The subject without any reply and forward prefixes: what conversations are grouped by where headers are
/// missing.
std::string base_subject(std::string_view subject);

struct Recipients {
  std::vector<Address> to, cc;
};
/// Whom an answer goes to: Reply-To, else From, else Sender; with `all`, To and Cc of the original too. None
/// of `own` (addresses of the account) and no address twice; when nothing else is left (a reply to one's own
/// message), the original's To. A message from oneself whose Reply-To names somebody else (a web form) is
/// answered to them. Comparison ignores ASCII case. Mail-Followup-To is not looked at: no standard has it,
/// and it would let a stranger choose whom all get to write to.
Recipients reply_recipients(const Message& original, const std::vector<std::string>& own, bool all);

/// "> " before each line (">" before quoted and empty lines), after an attribution line; at most `max_bytes`
/// of the original.
std::string quote_text(const Message& original, std::size_t max_bytes = 64u << 10);
/// The same as HTML: the attribution, then the readable text, escaped, in a blockquote of type "cite". The
/// original's markup is not passed on.
std::string quote_html(const Message& original, std::size_t max_bytes = 64u << 10);
/// Text as HTML: escaped, line ends as <br>.
std::string text_to_html(std::string_view text);

/// What makes a reply of `original`: to, cc, subject, in_reply_to, references. From, bodies and
/// Auto-Submitted are the caller's.
Draft reply_draft(const Message& original, const std::vector<std::string>& own, bool all);

}  // namespace mailroom::mime
