// What is sent of a draft as it lies in a Drafts mailbox. Pure.
//
// The bytes may come from any mail program that edited the draft: they are checked as strictly as our own.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "mime/compose.hpp"

namespace mailroom::mime {

/// What is sent of it: the same body; Bcc goes from the header to the envelope; Date and Message-ID are new,
/// one each; fields that mail programs keep for themselves (X-Mozilla-*, X-Unsent, Fcc ...) and traces of
/// delivery are left out; addresses are written as compose() writes them. `auto_submitted` replaces such a
/// field where it is not empty. The envelope is from Sender, else From. An 8-bit body stays as it is and sets
/// Composed::eight_bit. A draft without an empty line is all header. Linear in its size; no recursion.
///
/// Throws Failure whose `where` names the field ("To[1]") or "draft": refused when From or Sender is not one
/// of `own`; limit; invalid for
/// - a bare CR or LF, a NUL, a line of more than 998 bytes, a header line that is no field;
/// - From, Sender, Reply-To, To, Cc, Bcc, Subject, In-Reply-To, References, MIME-Version or a Content-* field
///   that stands twice (two readers would see two messages);
/// - other than ASCII in Content-*, In-Reply-To and References;
/// - an address that compose() would refuse; no From; several From without one Sender; nobody to send to.
Composed sendable_from_draft(std::string_view raw, const std::vector<std::string>& own,
                             const ComposeContext& context, const ComposeLimits& limits = {},
                             std::string_view auto_submitted = {});

}  // namespace mailroom::mime
