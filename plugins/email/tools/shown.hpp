// Messages with their text, several in one answer: a share of the room for each, and how to read on.
#pragma once
#include <string>

#include "read/reader.hpp"
#include "tools/toolbox.hpp"

namespace mailroom::tools {

/// Bytes of text that one message of `n` in one answer may show: 64 KB for one, 256 KB in all for several.
std::size_t text_share(std::size_t n);

struct Shown {
  imap::MessageRow head;
  imap::MailboxState mailbox;
  mime::Message message;
  std::size_t folded_lines = 0;
};

/// Folds quoted text away in `shown`.
void fold(Shown& shown);

/// The message's JSON; with `quoted_lines_folded` where some were.
aoh::Json shown_json(const Shown& shown, const mime::RenderOptions& options);
/// For the model: where it lies, then the message between fences.
std::string shown_text(const Shown& shown, std::string_view nonce, const mime::RenderOptions& options);
/// How to read on where the text was cut; "" where it was not. `json`: of shown_json().
std::string read_on(const aoh::Json& json);

}  // namespace mailroom::tools
