// Bytes of a labelled charset to UTF-8 (internal to mime/).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace mailroom::mime {

bool is_utf8(std::string_view bytes);

/// What a label means to a browser (WHATWG Encoding §4.2), as an ICU converter's name; "utf-8" and "" (none
/// or unknown) are ours to handle.
std::string canonical_charset(std::string_view label);

/// `bytes` as valid UTF-8, line ends untouched. `undeclared`, when given, is set where no usable label said
/// how to read 8-bit bytes and they were not UTF-8: they became U+FFFD rather than a guess that may be
/// another alphabet's. Conversion ends soon after `max_bytes` of output.
std::string to_utf8(std::string_view bytes, std::string_view charset, bool* undeclared = nullptr,
                    std::size_t max_bytes = SIZE_MAX);

/// Every line end as LF, NUL as U+FFFD.
std::string with_lf(std::string text);

/// The bytes read as windows-1252: for a warning that offers the likeliest reading.
std::string as_windows1252(std::string_view bytes);

}  // namespace mailroom::mime
