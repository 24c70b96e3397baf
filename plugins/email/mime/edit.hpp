// A draft as it lies in a Drafts mailbox, made ready for sending without composing it anew: its body, its
// MIME structure and what its author's program noted in X-* fields stay byte for byte.
//
// Pure: time and the unique token come in. Linear in the size of the draft; no recursion.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "mime/compose.hpp"

namespace mailroom::mime {

/// What a program of another's making may have left in a draft, and we do not send on.
struct EditLimits {
  std::size_t max_recipients = 500;           ///< of To, Cc and Bcc together
  std::size_t max_message_bytes = 64u << 20;  ///< of the draft
  std::size_t max_header_bytes = 256u << 10;  ///< of its header
  bool eight_bit_ok = false;                  ///< the server offers 8BITMIME: 8-bit bodies may pass
};

/// The draft's bytes without Bcc (and Return-Path, which is the last server's to write), with Date and
/// Message-ID set anew, exactly one each; every other field as it stands. The envelope is Sender, else From;
/// To, Cc and Bcc. `unique` as ComposeContext::message_id_unique. A draft without an empty line is all
/// header.
///
/// Throws Failure(invalid) whose `where` names the field or "draft", Failure(limit):
/// - bare CR, bare LF, NUL, a line of more than 998 bytes, 8-bit bytes without `eight_bit_ok`;
/// - a header line that is no field; From, Sender, To, Cc, Reply-To, Subject, In-Reply-To, References,
///   MIME-Version or a Content-* field that stands twice (two readers would see two messages); a Resent-*
///   field;
/// - an address that compose() would refuse; no From; several From without Sender; no recipient;
/// - 8-bit bytes in the header, save UTF-8 in address fields, which needs `smtputf8` (RFC 6532).
Composed outgoing_from_draft(std::string_view raw, std::int64_t now, std::string_view unique,
                             const EditLimits& limits = {});

/// The message without any Bcc and Resent-Bcc field of its own header (those of attached messages are
/// theirs); else byte for byte. Reads CRLF and LF line ends, and the obsolete blanks before the colon. Throws
/// Failure(invalid) for a bare CR or NUL in the header, where a field could hide.
std::string with_bcc_removed(std::string_view raw);

}  // namespace mailroom::mime
