// Characters that must not stand where they cannot be seen or would end a line (internal to mime/).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace mailroom::mime {

/// Walks valid or invalid UTF-8; an invalid byte reads as U+FFFD.
char32_t next_char(std::string_view s, std::size_t& at);
void put_char(std::string& out, char32_t c);

/// C0 (tab too), DEL, C1 with NEL, LINE and PARAGRAPH SEPARATOR: what ends or breaks a line somewhere.
bool is_control(char32_t c);
/// Draws nothing, or turns the direction of what follows: zero-width, bidi controls, Unicode tags, variation
/// selectors, fillers.
bool is_invisible(char32_t c);

/// What is wrong with `value` in a header slot: "" when nothing. Names the first offending character, "U+000A
/// at byte 7".
std::string slot_problem(std::string_view value, std::size_t max_bytes);

}  // namespace mailroom::mime
