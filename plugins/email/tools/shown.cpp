#include "tools/shown.hpp"

#include <algorithm>

#include "mime/fence.hpp"
#include "read/quotes.hpp"

namespace mailroom::tools {

std::size_t text_share(std::size_t n) {
  constexpr std::size_t kOne = 64u << 10, kAll = 256u << 10;
  return std::min(kOne, kAll / std::max<std::size_t>(n, 1));
}

void fold(Shown& shown) {
  if (!shown.message.text) return;
  read::Folded folded = read::fold_quotes(*shown.message.text, shown.message.subject.value_or(""));
  shown.message.text = std::move(folded.text);
  shown.folded_lines = folded.lines;
}

aoh::Json shown_json(const Shown& s, const mime::RenderOptions& options) {
  aoh::Json j = read::to_json(s.message, s.head, s.mailbox, options);
  j.set_if(s.folded_lines > 0, "quoted_lines_folded", s.folded_lines);
  return j;
}

std::string shown_text(const Shown& s, std::string_view nonce, const mime::RenderOptions& options) {
  return "UID " + std::to_string(s.head.uid) + " of a mailbox with UIDVALIDITY " +
         std::to_string(s.mailbox.uid_validity) + "\n" + mime::render_for_model(s.message, nonce, options);
}

std::string read_on(const aoh::Json& json) {
  const aoh::Json& cut = json.path("truncated.text");
  if (!cut.is_object()) return {};
  const std::int64_t end = cut["offset"].integer() + cut["shown"].integer();
  if (end >= cut["total"].integer()) return {};
  return "The text of UID " + std::to_string(json["uid"].integer()) +
         " was cut. Call email_fetch with text_offset " + std::to_string(end) + " to read on. ";
}

}  // namespace mailroom::tools
