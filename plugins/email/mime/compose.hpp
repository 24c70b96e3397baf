// From a draft to the bytes that are sent (RFC 5322, 2045-2047, 2231, 6532). The same input gives the same
// bytes.
//
// Pure: the time, the unique token of the Message-ID and the seed of the boundaries come in.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mime/message.hpp"

namespace mailroom::mime {

struct DraftAttachment {
  std::string
      filename;  ///< UTF-8; path separators and invisible characters are replaced, control characters refused
  std::string mime_type;  ///< "application/pdf"; empty is application/octet-stream
  std::string bytes;
  std::string content_id;  ///< without angle brackets; needed for an inline image (`cid:`), else may be empty
  bool is_inline = false;  ///< shown within the HTML: goes to multipart/related when there is HTML
};

/// What somebody wants sent. Every string is UTF-8. CR, LF, NUL, other control characters and Unicode line
/// ends are refused in every header slot; bodies may hold any line ends and get CRLF.
struct Draft {
  std::vector<Address> from;  ///< at least one; several need `sender` (RFC 5322 §3.6.2)
  std::optional<Address> sender;
  std::vector<Address> to, cc, bcc;  ///< at least one in all
  std::vector<Address> reply_to;
  std::string subject;                    ///< may be empty: then there is no Subject
  std::optional<std::string> text, html;  ///< html alone gets a text alternative made from it
  std::vector<DraftAttachment> attachments;
  std::string in_reply_to;              ///< without angle brackets; empty when none
  std::vector<std::string> references;  ///< without angle brackets, oldest first
  /// Further fields. Allowed: X-* (but X-Original-*, X-Envelope-*), List-* , Precedence, Importance,
  /// Priority, Sensitivity, Organization, Keywords, Comments, Auto-Submitted is `auto_submitted` below.
  /// Anything else is refused by name.
  std::vector<std::pair<std::string, std::string>> extra_headers;
  std::string auto_submitted;  ///< "auto-replied", "auto-generated" (RFC 3834 §5); empty when a person sends
};

struct ComposeContext {
  std::int64_t unix_seconds = 0;  ///< Date, written in UTC
  std::string message_id_unique;  ///< left side of the Message-ID: random, [A-Za-z0-9._-]{8,128}
  std::string
      boundary_seed;  ///< random, at least 8 bytes; boundaries are derived from it and occur in no body
};

/// All finite; passing one throws Failure(Errc::limit) that names it.
struct ComposeLimits {
  std::size_t max_recipients = 500;  ///< to, cc and bcc together
  std::size_t max_attachments = 100;
  std::size_t max_message_bytes = 64u << 20;  ///< after encoding
  std::size_t max_header_value = 4'096;       ///< bytes of subject, names, extra headers, each
  std::size_t max_extra_headers = 50;
  std::size_t max_references = 50;  ///< more are cut in the middle, first and last kept
};

struct Composed {
  std::string bytes;          ///< CRLF line ends, no bare CR or LF, no NUL, no line beyond 998 bytes
  std::string message_id;     ///< without angle brackets
  std::string envelope_from;  ///< the sender's, else the first From address
  std::vector<std::string> envelope_to;  ///< to, cc, bcc in order, without doubles (domain case ignored)
  bool eight_bit = false;                ///< always false today: bodies are encoded to 7 bit
  bool smtputf8 =
      false;  ///< an address has a non-ASCII local part: the server must offer SMTPUTF8 (RFC 6531)
};

/// Throws Failure(Errc::invalid) whose `where` names the field ("to[2].address"), Failure(Errc::limit) for a
/// passed limit. Domains with other than ASCII are sent in their IDNA form (UTS #46). Bcc is in the envelope
/// only.
Composed compose(const Draft& draft, const ComposeContext& context, const ComposeLimits& limits = {});

/// Checks one address as compose() would: "" when good, else what is wrong with it.
std::string address_problem(std::string_view address);

/// A name that is safe as an attachment's file name on any system: no separators, controls, invisible or
/// direction-changing characters, reserved names, leading dots or trailing dots and spaces; at most 200
/// bytes, extension kept; "attachment" when nothing is left.
std::string safe_filename(std::string_view name);

}  // namespace mailroom::mime
