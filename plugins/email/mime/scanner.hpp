// Finds the parts of a message: spans over its bytes, exact boundary lines, no recursion, no copies (internal
// to mime/).
//
// mimetic recurses with the nesting, matches boundaries by prefix and takes a missing one for "--"; so it
// never sees a whole message.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "mime/headers.hpp"
#include "mime/message.hpp"
#include "mime/parse.hpp"

namespace mailroom::mime {

struct FieldSpan {
  std::string_view name;   ///< as written
  std::string_view value;  ///< folded, without the last line end
};

/// An entity (RFC 2045 §2.4) as it lies in the bytes that were scanned.
struct EntitySpan {
  std::size_t parent = 0;  ///< index; the root is its own
  std::string number;      ///< IMAP part number; empty for the root of a multipart message
  std::vector<FieldSpan> fields;
  std::string_view body;  ///< without the line end that belongs to the boundary
  std::string type;       ///< lower case; what we go by (a multipart without boundary is read as text/plain)
  Structured content_type;
  bool multipart = false;
  bool first_child = true;  ///< of its multipart
  std::size_t children = 0;

  std::string_view field(std::string_view name) const;  ///< the first one's value, folded; "" when absent
};

struct Scan {
  std::vector<EntitySpan> entities;  ///< in the order of the message, the root first; never empty
  std::vector<Warning> warnings;
  bool truncated = false;
};

Scan scan(std::string_view raw, const ParseLimits& limits);
/// The root's header block only.
Scan scan_headers(std::string_view raw, const ParseLimits& limits);

}  // namespace mailroom::mime
