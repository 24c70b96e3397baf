// iCalendar as it comes by mail (RFC 5545, RFC 5546, RFC 6047), internal to mime/.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "mime/message.hpp"
#include "support/json.hpp"

namespace mailroom::mime {

/// The items of a calendar in UTF-8. Lenient: what is no content line is skipped. At most `max_items` items,
/// 500 attendees each, 4,000 bytes of a text; 1 MB of input is read. `cut` is set where there was more.
std::vector<CalendarItem> parse_calendar(std::string_view text, std::size_t max_items, bool& cut);

/// An item as it stands in `calendar` of a message's JSON; at most `max_people` attendees.
aoh::Json calendar_json(const CalendarItem& item, std::size_t max_people);

/// The same as a few lines of text for a model; at most 20 attendees and 500 bytes of the description.
std::string calendar_lines(const CalendarItem& item);

}  // namespace mailroom::mime
