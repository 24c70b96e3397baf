// A whole message, and everything that is made of it: JSON, the model's view, quotes, a reply that is
// composed and read back.
#include "mime/compose.hpp"
#include "mime/fence.hpp"
#include "mime/forward.hpp"
#include "mime/json.hpp"
#include "mime/parse.hpp"
#include "mime/thread.hpp"

#include "fuzz.hpp"

namespace mailroom::fuzz {
namespace {

using namespace mime;

void check_addresses(const std::vector<Address>& list, std::size_t most) {
  must(list.size() <= most, "addresses are counted");
  for (const Address& a : list)
    for (const std::string* s : {&a.name, &a.address, &a.group}) must_be_a_line(*s, "an address is one line");
}

void check(const Message& m, const ParseLimits& limits) {
  for (const auto* list : {&m.from, &m.sender, &m.to, &m.cc, &m.bcc, &m.reply_to})
    check_addresses(*list, limits.max_addresses * 2);
  for (const auto* ids : {&m.in_reply_to, &m.references})
    for (const std::string& id : *ids) must_be_a_line(id, "a message id is one line");
  if (m.message_id) must_be_a_line(*m.message_id, "a message id is one line");
  if (m.subject) must_be_a_line(*m.subject, "a subject is one line");
  must(m.date.has_value() == m.date_unix.has_value(), "a date is told twice or not at all");
  for (const auto* text : {&m.text, &m.html})
    if (*text) {
      must_be_utf8(**text, "text is UTF-8");
      must((*text)->size() <= limits.max_text_bytes, "text is within its limit");
      must((*text)->find('\r') == std::string::npos, "line ends of text are LF");
    }
  must(m.headers.size() <= limits.max_headers, "fields are counted");
  for (const HeaderField& h : m.headers) {
    must_be_a_line(h.name, "a field's name is one line");
    must_be_a_line(h.value, "a field's value is one line");
    must_be_utf8(h.raw, "a raw field is UTF-8");
  }
  must_be_a_line(m.mime_type, "a type is one line");
  must(m.part_types.size() <= limits.max_parts, "parts are counted");
  for (const Attachment& a : m.attachments) {
    if (a.filename) must_be_a_line(*a.filename, "a file name is one line");
    must_be_a_line(a.mime_type, "a type is one line");
    must_be_a_line(a.content_id, "a content id is one line");
    must(a.contents.size() <= 200, "what lies within is counted");
    for (const Attachment& inner : a.contents) {
      if (inner.filename) must_be_a_line(*inner.filename, "a file name is one line");
      must_be_a_line(inner.mime_type, "a type is one line");
      must_be_a_line(inner.part, "a part's number is one line");
    }
    must_be_a_line(a.disposition, "a disposition is one line");
    must_be_a_line(a.charset, "a charset is one line");
  }
  must(m.calendar.size() <= 100, "calendar items are counted");
  for (const Warning& w : m.warnings) {
    must_be_utf8(w.detail, "a warning is UTF-8");
    must(!w.code.empty() && w.detail.size() <= 200, "a warning is short");
  }
}

void check_wire(const std::string& bytes) {
  std::size_t column = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    must(c != '\0', "no NUL is sent");
    if (c == '\r') must(i + 1 < bytes.size() && bytes[i + 1] == '\n', "no bare CR is sent");
    if (c == '\n') must(i > 0 && bytes[i - 1] == '\r', "no bare LF is sent");
    column = c == '\n' ? 0 : column + (c != '\r');
    must(column <= 998, "no line is longer than 998");
  }
}

/// Whatever a stranger wrote, an answer to it can be composed, and reads as it was meant.
void answer(const Message& m) {
  Draft draft = reply_draft(m, {}, true);
  if (draft.to.empty()) return;
  draft.from = {{"Me", "me@example.org", ""}};
  draft.text = quote_text(m);
  draft.html = quote_html(m);
  const Composed composed =
      compose(draft, {0, "token-01234567", "seed-01234567"}, {.max_recipients = 100'000});
  check_wire(composed.bytes);
  const Message back = parse(composed.bytes);
  must(back.message_id == composed.message_id, "a composed message has its id");
  must(back.subject.value_or("") == draft.subject, "a composed subject reads as written");
  must(back.from == draft.from, "a composed sender reads as written");
  must(back.to.size() == draft.to.size() && back.cc.size() == draft.cc.size(), "each recipient stays one");
  must(back.attachments.empty() && back.html && back.text && !back.text_from_html,
       "composed bodies are bodies");
  for (const Warning& w : back.warnings)
    must(w.code.find("boundary") == std::string::npos, "composed parts have their ends");
}

}  // namespace

FUZZ_TARGET(mime_message) {
  ParseLimits limits;
  if (data.size() % 4 == 1) {
    limits.max_header_bytes = 300;
    limits.max_headers = 10;
    limits.max_field_bytes = 100;
    limits.max_parts = 5;
    limits.max_depth = 3;
    limits.max_addresses = 4;
    limits.max_text_bytes = 100;
    limits.max_hash_bytes = 50;
  }
  const Message m = parse(data, limits);
  check(m, limits);
  for (const Attachment& a : m.attachments)
    must(decode_part(data, a.part, limits).has_value(), "an attachment can be taken out");
  const Message top = parse_headers(data, limits);
  check(top, limits);
  must(top.subject == m.subject && top.from == m.from && top.message_id == m.message_id && top.date == m.date,
       "a header reads the same with and without its body");
  must(aoh::Json::parse(to_json(m, {.format = Format::full, .headers = true}).dump()).is_object(),
       "JSON can be read");
  must_be_utf8(render_for_model(m, "0123456789abcdef", {.headers = true}), "the model's view is UTF-8");
  must_be_utf8(forward_text(m), "a forward is UTF-8");
  must(!safe_filename(forward_filename(m)).empty(), "a file has a name");
  answer(m);
}

}  // namespace mailroom::fuzz
