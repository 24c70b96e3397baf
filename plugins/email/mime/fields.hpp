// The header of a message: every field decoded, the known ones as values (internal to mime/).
#pragma once
#include <string_view>

#include "mime/parse.hpp"
#include "mime/scanner.hpp"
#include "mime/warnings.hpp"

namespace mailroom::mime {

/// `declared_charset` is what the message's text says of itself: the best guess at unlabelled header bytes.
void read_fields(const EntitySpan& root, const ParseLimits& limits, std::string_view declared_charset,
                 Message& message, Warnings& warnings);

}  // namespace mailroom::mime
