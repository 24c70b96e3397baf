// BODYSTRUCTURE as a tree (RFC 3501 §7.4.2).
#pragma once
#include "imap/proto/tokens.hpp"
#include "imap/proto/types.hpp"

namespace mailroom::imap {

/// Part numbers are those of RFC 3501 §6.4.5. Missing trailing fields, NIL for strings and nonsense sizes are
/// tolerated; anything else throws Failure(protocol), a structure beyond Limits::depth or Limits::parts
/// Failure(limit).
BodyPart parse_body_structure(Tokens& tokens, const Limits& limits);

}  // namespace mailroom::imap
