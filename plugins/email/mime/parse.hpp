// From bytes to a Message. Never throws for what the bytes say: broken mail is read as a reader would, and
// flagged.
//
// Pure and reentrant: no I/O, clock, randomness or global state; any thread. Time and memory grow linearly
// with the input within the limits; nothing recurses with the depth of the message.
#pragma once
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "mime/message.hpp"

namespace mailroom::mime {

/// All finite. What lies beyond a limit is left out, Message::truncated is set and a warning "limit_..." says
/// which.
struct ParseLimits {
  std::size_t max_header_bytes = 256u << 10;  ///< header block of one entity, bytes
  std::size_t max_headers = 2'000;            ///< fields of one header block
  std::size_t max_field_bytes = 64u << 10;    ///< one unfolded field, bytes
  std::size_t max_parts = 1'000;              ///< parts in all, containers counted
  std::size_t max_depth = 50;                 ///< nested multiparts
  std::size_t max_addresses = 5'000;          ///< of one header
  std::size_t max_text_bytes = 4u << 20;      ///< `text`, and `html`, each, bytes of UTF-8
  std::size_t max_hash_bytes =
      256u << 20;                ///< attachments are decoded for size and sha256 up to this many bytes in all
  bool hash_attachments = true;  ///< false: sizes only
};

/// A whole message, or as much of one as there is.
Message parse(std::string_view raw, const ParseLimits& limits = {});

/// A header block only (a FETCH of BODY.PEEK[HEADER]); what follows an empty line is ignored. `text`, `html`
/// and `attachments` stay absent.
Message parse_headers(std::string_view raw, const ParseLimits& limits = {});

/// A part's content after its transfer encoding is undone.
struct DecodedPart {
  std::string bytes;
  std::string mime_type;                ///< lower case
  std::string charset;                  ///< as labelled; empty when absent
  std::optional<std::string> filename;  ///< as the sender wrote it
  bool broken = false;                  ///< the encoding was damaged; `bytes` is what could be read
};

/// The part with IMAP number `part_number` ("1", "2.3"; "1" is the body of a message that is not multipart).
/// Goes on into an attached message ("2.1"), winmail.dat ("2.tnef.1") and an opaque S/MIME signature
/// ("1.smime.2"), eight containers deep. nullopt when there is none.
std::optional<DecodedPart> decode_part(std::string_view raw, std::string_view part_number,
                                       const ParseLimits& limits = {});

/// The same of a part of this message itself, in blocks of about 64 KB: one of any size needs no memory.
/// False when there is none. Each call scans the message.
bool stream_part(std::string_view raw, std::string_view part_number,
                 const std::function<void(std::string_view)>& block, const ParseLimits& limits = {});

/// A part fetched alone (IMAP BODY[n]) with what BODYSTRUCTURE or BODY[n.MIME] said of it: the transfer
/// encoding undone. `transfer_encoding` is the header's value; unknown encodings are taken as they are and
/// `broken` is set.
DecodedPart decode_body(std::string_view body, std::string_view transfer_encoding);

/// Bytes labelled `charset` as valid UTF-8, wrong labels repaired as browsers do (WHATWG Encoding §4.2):
/// iso-8859-1 is windows-1252, gb2312 is gb18030 ... No or unknown label: UTF-8 when valid, else
/// windows-1252. Line ends become LF.
std::string to_utf8_text(std::string_view bytes, std::string_view charset);

/// A header value as people read it: unfolded, RFC 2047 words decoded, raw 8-bit taken as UTF-8 or else
/// windows-1252.
std::string decode_header(std::string_view value);

/// An address list as in From or To (RFC 5322 §3.4, and what is found in the wild).
std::vector<Address> parse_addresses(std::string_view value, std::size_t max_addresses = 5'000);

/// Seconds since 1970 and RFC 3339 text of a date header; nullopt when it is none (obsolete zones, two-digit
/// years, comments, missing weekdays and seconds are read).
struct ParsedDate {
  std::int64_t unix_seconds = 0;
  std::string rfc3339;
};
std::optional<ParsedDate> parse_date(std::string_view value);

/// Readable text of an HTML document: paragraphs, lists, links with their target in angle brackets; what a
/// person would not see (docs/hidden-text.md) left out. At most `max_bytes` of output. Documents nested
/// deeper than `max_depth` elements (512) are cut there. Never fetches anything.
std::string html_to_text(std::string_view html, std::size_t max_bytes = 4u << 20);

}  // namespace mailroom::mime
