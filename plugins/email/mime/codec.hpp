// Transfer encodings (RFC 2045 §6) of whole texts, and the small ones of header values (internal to mime/).
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace mailroom::mime {

/// `broken`, when given, is set (never cleared) where the input was damaged.
std::string decode_base64(std::string_view text, bool* broken = nullptr);
/// Line ends stay as they are in `text`.
std::string decode_quoted_printable(std::string_view text, bool* broken = nullptr);
/// The Q encoding of RFC 2047 §4.2.
std::string decode_q(std::string_view text);
/// %41 is A (RFC 2231 §4, RFC 3986 §2.1); what is no such triplet stays.
std::string decode_percent(std::string_view text);
std::string decode_uuencode(std::string_view text, bool* broken = nullptr);
/// By the value of a Content-Transfer-Encoding field; an unknown one gives the text itself and `broken`.
std::string decode_transfer(std::string_view text, std::string_view encoding, bool* broken = nullptr);

/// Lines of 76 with CRLF, the last one without.
std::string encode_base64(std::string_view bytes);
/// One line.
std::string encode_base64_line(std::string_view bytes);
/// `text` has CRLF line ends only. Lines of at most 76, CRLF.
std::string encode_quoted_printable(std::string_view text);
/// About how long that would be: for choosing.
std::size_t quoted_printable_size(std::string_view text);

}  // namespace mailroom::mime
