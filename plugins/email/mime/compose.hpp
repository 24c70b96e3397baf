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
  /// Without angle brackets. Where the HTML says `cid:` and this, the file is shown there and goes to
  /// multipart/related; else it is an ordinary attachment.
  std::string content_id;
  /// Meant to be shown in the HTML: needs a content_id, or the HTML calls it by its file name. One that the
  /// HTML does not show is an ordinary attachment, and Composed::warnings says so.
  bool is_inline = false;
  /// What the bytes of a text file are labelled with ("iso-8859-15"); empty: not labelled. The bytes
  /// are not converted; a label that is no token (RFC 2045 §5.1) is left out.
  std::string charset{};
};

/// What somebody wants sent. Every string is UTF-8. CR, LF, NUL, other control characters and Unicode line
/// ends are refused in every header slot; bodies may hold any line ends and get CRLF, and one at their end.
///
/// Images that the HTML holds as `data:` URIs become inline parts, each different one once. A `cid:` in the
/// HTML that no attachment answers to is refused, since the reader would see a hole.
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
  /// For a draft that is saved in a mailbox, NEVER for what is sent: Bcc is written as a field, and there may
  /// be no recipients yet. mime/draft_sending takes it out again.
  bool keep_bcc = false;
  bool allow_missing_images = false;  ///< a `cid:` without its part is a warning: for passing on others' HTML
};

struct ComposeContext {
  std::int64_t unix_seconds = 0;  ///< Date, written in UTC
  std::string message_id_unique;  ///< left side of the Message-ID: random, [A-Za-z0-9._-]{8,128}
  std::string
      boundary_seed;  ///< random, at least 8 bytes; boundaries are derived from it and occur in no body
  /// The server offers 8BITMIME (RFC 6152): UTF-8 with lines of at most 998 bytes is left as it is.
  bool eight_bit_ok = false;
};

/// All finite; passing one throws Failure(Errc::limit) that names it.
struct ComposeLimits {
  std::size_t max_recipients = 500;  ///< to, cc and bcc together
  std::size_t max_attachments = 100;
  std::size_t max_message_bytes = 64u << 20;  ///< after encoding
  std::size_t max_header_value = 4'096;       ///< bytes of subject, names, extra headers, each
  std::size_t max_extra_headers = 50;
  std::size_t max_references = 50;           ///< more are cut in the middle, first and last kept
  std::size_t max_inline_images = 100;       ///< made from `data:` URIs
  std::size_t max_inline_bytes = 20u << 20;  ///< of these, decoded, together
};

struct Composed {
  std::string bytes;          ///< CRLF line ends, no bare CR or LF, no NUL, no line beyond 998 bytes
  std::string message_id;     ///< without angle brackets
  std::string envelope_from;  ///< the sender's, else the first From address
  std::vector<std::string> envelope_to;  ///< to, cc, bcc in order, without doubles (domain case ignored)
  /// Some body has 8-bit bytes: the server must offer 8BITMIME. compose() does so only with
  /// ComposeContext::eight_bit_ok.
  bool eight_bit = false;
  bool smtputf8 =
      false;  ///< an address has a non-ASCII local part: the server must offer SMTPUTF8 (RFC 6531)
  /// What was composed otherwise than asked for, one line each, for people; names fields of the draft.
  std::vector<std::string> warnings;
};

/// Throws Failure(Errc::invalid) whose `where` names the field ("to[2].address"), Failure(Errc::limit) for a
/// passed limit. Domains with other than ASCII are sent in their IDNA form (UTS #46). Bcc is in the envelope
/// only. Where `smtputf8` is set, the addresses are the only UTF-8 in the header: names and texts stay
/// RFC 2047 and 2231 words, which every reader knows.
Composed compose(const Draft& draft, const ComposeContext& context, const ComposeLimits& limits = {});

/// Checks one address as compose() would: "" when good, else what is wrong with it.
std::string address_problem(std::string_view address);

/// A name that is safe as an attachment's file name on any system: no separators, controls, invisible (save
/// the joiners within words and emoji) or direction-changing characters, reserved names, leading dots or
/// trailing dots and spaces; at most 200 bytes, extension kept; "attachment" when nothing is left.
std::string safe_filename(std::string_view name);

}  // namespace mailroom::mime
