#include "mime/stored_draft.hpp"

#include <algorithm>

#include "mime/ascii.hpp"
#include "mime/outgoing.hpp"
#include "mime/parse.hpp"
#include "mime/unicode.hpp"

namespace mailroom::mime {
namespace {

/// X-* fields that compose() takes; of two of a name the first.
std::vector<std::pair<std::string, std::string>> further_fields(const Message& m) {
  const ComposeLimits limits;
  std::vector<std::pair<std::string, std::string>> kept;
  for (const HeaderField& h : m.headers) {
    const std::string_view value = trim(h.value);
    const bool good = istarts_with(h.name, "X-") && is_allowed_header(h.name) && !is_private_header(h.name) &&
                      !value.empty() && slot_problem(value, limits.max_header_value).empty();
    const bool there =
        std::any_of(kept.begin(), kept.end(), [&](const auto& k) { return iequals(k.first, h.name); });
    if (good && !there && kept.size() < limits.max_extra_headers) kept.emplace_back(h.name, value);
  }
  return kept;
}

}  // namespace

Draft draft_from_bytes(std::string_view raw) {
  const Message m = parse(raw);
  Draft d;
  d.from = m.from;
  if (!m.sender.empty()) d.sender = m.sender.front();
  d.to = m.to;
  d.cc = m.cc;
  d.bcc = m.bcc;
  d.reply_to = m.reply_to;
  d.subject = m.subject.value_or("");
  if (m.text && !m.text_from_html) d.text = m.text;
  d.html = m.html;
  if (!m.in_reply_to.empty()) d.in_reply_to = m.in_reply_to.front();
  d.references = m.references;
  for (auto* list : {&d.from, &d.to, &d.cc, &d.bcc, &d.reply_to}) {
    std::erase_if(*list, [](const Address& a) { return a.address.empty(); });
    for (Address& a : *list) a.group.clear();
  }
  d.extra_headers = further_fields(m);
  for (const Attachment& a : m.attachments) {
    std::optional<DecodedPart> part = decode_part(raw, a.part);
    if (!part) continue;
    DraftAttachment file;
    file.filename = safe_filename(
        a.filename.value_or(a.mime_type.starts_with("message/") ? "message.eml" : "attachment"));
    file.mime_type = a.mime_type;
    file.bytes = std::move(part->bytes);
    file.charset = a.charset;
    file.content_id = a.content_id;
    file.is_inline = a.disposition == "inline" && !a.content_id.empty();
    d.attachments.push_back(std::move(file));
  }
  return d;
}

}  // namespace mailroom::mime
