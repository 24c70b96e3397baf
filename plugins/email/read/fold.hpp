// Text made comparable the way people search: without case, compatibility forms and composed letters as one.
// Pure.
#pragma once
#include <string>
#include <string_view>

namespace mailroom::read {

/// NFKC_Casefold, then decomposed (Unicode UAX 15): "GRÖSSE", "größe" and full-width letters fold alike, and
/// "o" is found in "ö", as in servers that search by i;unicode-casemap (RFC 5051). Invalid UTF-8 reads as
/// U+FFFD.
std::string folded(std::string_view text);

/// Whether `text` holds `needle`, which is folded already.
bool holds(std::string_view text, const std::string& folded_needle);

}  // namespace mailroom::read
