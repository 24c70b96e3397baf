// How DKIM writes a message before it is hashed (RFC 6376 §3.4): both algorithms for header fields, both for
// the body.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace mailroom::deliver {

enum class Canon {
  simple,   ///< as it is; at a body's end empty lines go
  relaxed,  ///< white space folded, field names in lower case: survives most relays
};

/// A header field as it stands in a message, folds included, CRLF at its end included.
struct RawField {
  std::string_view name;  ///< as written, without the colon
  std::string_view whole;
};

/// The fields of `message` in their order; `body` begins behind the empty line (at the end when there is
/// none). Throws Failure (invalid) for a line that is no field, and for a bare CR or LF: what two readers may
/// read differently is not signed. Views into `message`.
std::vector<RawField> header_fields(std::string_view message, std::string_view& body);

/// One field, CRLF at its end.
std::string canonical_field(std::string_view whole, Canon canon);

/// The body as it is hashed.
std::string canonical_body(std::string_view body, Canon canon);

}  // namespace mailroom::deliver
