// What a search asks for: as criteria for the server, and as a check of what the server said. Pure.
//
// The check is made on what a list of messages shows anyway (header fields, flags, size, dates, structure),
// so a server that ignores criteria cannot slip in a message that does not match. It is never stricter than a
// server may be: case, compatibility forms and composed letters do not count.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "imap/proto/search.hpp"
#include "mime/message.hpp"

namespace mailroom::read {

struct Filter {
  std::string from, to, cc, bcc, subject;                    ///< part of it; empty: any
  std::string body, text;                                    ///< in the text; in the text or the header
  std::vector<std::pair<std::string, std::string>> headers;  ///< name, part of its value ("": it is there)
  std::optional<std::int64_t> since_s, before_s;  ///< arrival (INTERNALDATE), Unix seconds; before excluded
  std::optional<bool> seen, flagged, answered, draft, has_attachment;
  bool deleted = false;  ///< also those marked \Deleted
  std::vector<std::string> keywords, without_keywords;
  std::optional<std::uint32_t> larger, smaller;  ///< bytes, excluded
  std::string thread;                            ///< thread_id, as summaries give it
  std::string gmail_raw;                         ///< only for servers with X-GM-EXT-1

  bool asks_text() const { return !body.empty() || !text.empty(); }
};

struct SearchWays {
  bool object_id = false;   ///< THREADID can be asked (OBJECTID)
  bool gmail = false;       ///< X-GM-EXT-1
  bool ascii_only = false;  ///< the server refused UTF-8: words with other characters are not asked
};

/// For the server. SINCE and BEFORE go by the server's days, whose time zone nobody tells: they are asked
/// wide enough for any. Throws Failure: invalid, unsupported (gmail_raw elsewhere).
imap::Criteria criteria(const Filter& filter, const SearchWays& ways);

/// What a list shows of one message.
struct Summary {
  imap::MessageRow row;
  mime::Message message;        ///< header fields only
  std::size_t attachments = 0;  ///< by BODYSTRUCTURE
};

/// All of the filter but body, text and gmail_raw, which a summary cannot tell.
bool matches(const Filter& filter, const Summary& summary);
/// body and text, on the message with its text.
bool matches_text(const Filter& filter, const mime::Message& whole);

/// Files that a reader would be offered: not the text that is shown, not pictures that the HTML shows, not
/// signatures.
std::size_t attachments_in(const imap::BodyPart& structure);

}  // namespace mailroom::read
