// Bytes of a labelled charset to UTF-8 (internal to mime/).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::mime {

bool is_utf8(std::string_view bytes);

/// Valid UTF-8: each ill-formed sequence becomes one U+FFFD, as browsers count them (Unicode §3.9, "maximal
/// subparts").
std::string lossy_utf8(std::string_view bytes);

/// What a label means to a browser (WHATWG Encoding §4.2), as an ICU converter's name; "utf-8",
/// "iso-2022-jp", "utf-16" and "" (none, or one that says nothing) are ours to handle.
std::string canonical_charset(std::string_view label);

/// What was found out while a text was converted; set, never cleared.
struct CharsetNotes {
  bool undeclared = false;   ///< 8-bit bytes, no label, not UTF-8: they became U+FFFD
  bool unknown = false;      ///< the same, with a label that nobody knows
  bool invalid = false;      ///< the label is known and some bytes are not of it: they became U+FFFD
  bool label_wrong = false;  ///< the bytes are valid in another charset, and look like it
};

/// `bytes` as valid UTF-8, line ends untouched. Where no usable label says how to read 8-bit bytes and they
/// are not UTF-8 they become U+FFFD rather than a guess that may be another alphabet's: guess_charset() has
/// one. Conversion ends soon after `max_bytes` of output.
std::string to_utf8(std::string_view bytes, std::string_view charset, CharsetNotes* notes = nullptr,
                    std::size_t max_bytes = SIZE_MAX);

/// By label alone; nullopt when it is not known.
std::optional<std::string> convert_from(std::string_view charset, std::string_view bytes,
                                        std::size_t max_bytes = SIZE_MAX);

/// Every line end as LF, NUL as U+FFFD.
std::string with_lf(std::string text);

/// The likeliest charset of 8-bit bytes that are not UTF-8: for a warning that offers a reading. `hint` is
/// what the same message declares elsewhere. "windows-1252" when nothing speaks for another.
std::string guess_charset(std::string_view bytes, std::string_view hint);

/// An escape sequence of ISO-2022-JP that no other text has.
bool looks_like_iso2022jp(std::string_view bytes);
/// nullopt where the text uses sets that Shift_JIS does not have.
std::optional<std::string> iso2022jp_as_shift_jis(std::string_view bytes);

std::string latin10_to_utf8(std::string_view bytes);

}  // namespace mailroom::mime
