// What is sent of a draft as it lies in a Drafts mailbox. Pure.
//
// The bytes may come from any mail program that edited the draft: they are checked as strictly as our own.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "mime/compose.hpp"

namespace mailroom::mime {

/// What is sent of it: the same body; Bcc goes from the header to the envelope; Date and Message-ID are new;
/// fields that mail programs keep for themselves (X-Mozilla-*, X-Unsent, Fcc ...) and traces of delivery are
/// left out; addresses are written as compose() writes them. `auto_submitted` replaces such a field where it
/// is not empty. Throws Failure: refused when From or Sender is not one of `own`, invalid (nobody to send to,
/// a field that stands twice, a broken header, NUL, a line beyond 998 bytes), limit.
Composed sendable_from_draft(std::string_view raw, const std::vector<std::string>& own,
                             const ComposeContext& context, const ComposeLimits& limits = {},
                             std::string_view auto_submitted = {});

}  // namespace mailroom::mime
