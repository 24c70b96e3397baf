// A message as a model reads it: each piece of a stranger's text between fences that the stranger cannot
// write (SPEC §6).
#pragma once
#include <string>
#include <string_view>

#include "mime/json.hpp"
#include "mime/message.hpp"

namespace mailroom::mime {

/// `text` between "<<<untrusted NONCE label>>>" and "<<<end NONCE>>>" lines. `nonce` is the caller's: fresh
/// for each call, unguessable, [A-Za-z0-9]{8,64} (throws Failure(Errc::invalid) otherwise). Within the text
/// anything that reads as a fence or as the nonce after compatibility normalisation, with homoglyphs folded
/// and invisible characters removed, is replaced by "[fence removed]".
std::string fence(std::string_view text, std::string_view label, std::string_view nonce);

/// `text` with everything that could pass for a fence replaced, and invisible or direction-changing
/// characters (zero-width, Unicode tags, bidi controls) removed. One result serves any place within a fence.
std::string neutralise(std::string_view text, std::string_view nonce);

/// The whole message for a model: what we know (sizes, part numbers, warnings' codes) in plain lines, what
/// the sender wrote (names, addresses, subject, text, file names) fenced. `options` caps as for to_json.
std::string render_for_model(const Message& message, std::string_view nonce,
                             const RenderOptions& options = {});

}  // namespace mailroom::mime
