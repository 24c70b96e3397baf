// A FETCH response as a row.
#pragma once
#include <optional>

#include "imap/proto/response.hpp"
#include "imap/proto/section_sink.hpp"
#include "imap/proto/types.hpp"

namespace mailroom::imap {

/// Never throws for what the server sent: what cannot be read is MessageRow::error, and the row holds the
/// rest. `uid` is 0 when not even that could be read.
MessageRow parse_fetch(Response& response, const Limits& limits);

/// What a literal of `size` bytes is that comes behind `line`, the beginning of a response: nothing when it
/// is no BODY[...] of a FETCH row. Borrows from `line`.
std::optional<SectionStart> section_start(std::string_view line, std::uint64_t size);

/// " 1-Jan-2026 10:00:00 +0000" (RFC 3501 date-time) as seconds since 1970; nothing for dates that do not
/// exist.
std::optional<std::int64_t> parse_internal_date(std::string_view text);

}  // namespace mailroom::imap
