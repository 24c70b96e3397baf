// A message as its reader sees it: plain values, all text valid UTF-8. Nothing here points into the bytes it
// came from.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::mime {

/// One mailbox of an address header (RFC 5322 §3.4). Groups are flattened: each member carries the group's
/// name.
struct Address {
  std::string name;     ///< display name, decoded (RFC 2047); empty when absent
  std::string address;  ///< addr-spec as written, without angle brackets; empty for a group without members
  std::string group;    ///< group display name; empty when not of a group
  friend bool operator==(const Address&, const Address&) = default;
};

/// What the header of an attached message says.
struct AttachedMessage {
  std::optional<std::string> subject, date, message_id;  ///< as in Message
  std::vector<Address> from, to;
};

/// A leaf part that is not shown as the message's text. Its bytes stay in the raw message: decode_part()
/// gives them.
struct Attachment {
  std::string part;  ///< IMAP part number, "2.1" (RFC 9051 §6.4.5)
  std::optional<std::string>
      filename;                 ///< decoded, as the sender wrote it: sanitise before it meets a file system
  std::string mime_type;        ///< lower case, "application/pdf"
  std::uint64_t size = 0;       ///< bytes after decoding; an estimate when `size_estimated`
  bool size_estimated = false;  ///< from BODYSTRUCTURE, or beyond ParseLimits::max_hash_bytes
  std::string disposition;      ///< "attachment" or "inline"
  std::string content_id;       ///< without angle brackets; empty when absent
  std::optional<std::string> sha256;  ///< lower-case hex over the decoded bytes, where they were read
  std::string charset;                ///< as labelled, of text parts; empty when absent
  std::string kind;  ///< "message", "tnef", "calendar", "smime-encrypted" ...; empty for a file
  std::optional<AttachedMessage> message;  ///< of a message/rfc822
  std::vector<Attachment>
      contents;  ///< what lies within (an attached message, winmail.dat, an opaque signature),
                 ///< one level deep, at most 200; decode_part() gives each by its `part`
};

/// A time of a calendar, as written: "2026-11-23T10:00:00" of `zone`, with 'Z' when UTC, or "2026-11-23" of a
/// whole day.
struct CalendarTime {
  std::string value;
  std::string zone;  ///< TZID; empty when absent
};

struct CalendarPerson {
  std::string name, address;   ///< CN, and what follows "mailto:"
  std::string partstat, role;  ///< in lower case: "accepted", "req-participant"; empty when absent
  bool rsvp = false;
};

/// An event, task or the like of a text/calendar part (RFC 5545, 5546). Nothing is computed: RRULE is text.
struct CalendarItem {
  std::string part;       ///< which part it came from
  std::string method;     ///< of the calendar, lower case: "request", "reply", "cancel" ...
  std::string component;  ///< "event", "todo", "journal", "freebusy"
  std::string uid, summary, description, location, status, rrule, duration;
  std::optional<std::int64_t> sequence;
  std::optional<CalendarTime> start, end, recurrence_id;  ///< `end` is DUE of a task
  std::optional<CalendarPerson> organizer;
  std::vector<CalendarPerson> attendees;
};

/// Something that makes a message readable in two ways, or that a limit cut. Codes are stable, for programs.
struct Warning {
  std::string code;    ///< "boundary_missing", "charset_wrong", "limit_parts" ...
  std::string detail;  ///< for people; may quote the message, at most 200 bytes
};

/// A header field, unfolded. `value` is decoded (RFC 2047) in every field; `raw` is as written.
struct HeaderField {
  std::string name;   ///< as written
  std::string value;  ///< decoded, one line
  std::string raw;    ///< unfolded bytes made valid UTF-8, not decoded
};

/// The readable content of a message (SPEC §2). Absent is nullopt or empty list, never a made-up value.
struct Message {
  std::optional<std::string> message_id;  ///< without angle brackets
  std::optional<std::string> date;        ///< RFC 3339 with the sender's offset, "2026-11-23T19:16:00+01:00"
  std::optional<std::int64_t> date_unix;  ///< the same instant, seconds since 1970
  std::vector<Address> from, sender, to, cc, bcc, reply_to;
  std::optional<std::string> subject;
  std::vector<std::string> in_reply_to;  ///< ids without angle brackets
  std::vector<std::string> references;   ///< ids without angle brackets, oldest first
  std::optional<std::string> text;       ///< plain parts, else made from HTML; line ends are LF
  bool text_from_html = false;
  std::optional<std::string>
      html;  ///< as sent (converted to UTF-8), never sanitised: do not show it as it is
  std::vector<Attachment> attachments;
  std::vector<CalendarItem> calendar;   ///< of all its calendar parts, at most 100
  std::vector<HeaderField> headers;     ///< in the order of the message
  std::string mime_type;                ///< of the whole message, lower case
  std::vector<std::string> part_types;  ///< of every part, lower case, in order; the whole message's first
  std::uint64_t size = 0;               ///< bytes of the raw message
  bool truncated = false;               ///< a limit cut something: `warnings` says what
  std::vector<Warning> warnings;

  /// The first field of that name (ASCII case ignored), decoded; nullptr when absent. Borrowed.
  const std::string* header(std::string_view name) const;
  /// All fields of that name, decoded, in order.
  std::vector<std::string> all_headers(std::string_view name) const;
};

}  // namespace mailroom::mime
