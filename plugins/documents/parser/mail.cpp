// HTML and messages: the email plugin's own reading of them (plugins/email/mime is pure and below every
// plugin), so that a message says the same in a knowledge base as in a mailbox.
#include "base/error.hpp"
#include "mime/html_text.hpp"
#include "mime/parse.hpp"
#include "parser/parsers.hpp"

namespace mailroom::documents {
namespace {

constexpr std::size_t kMaxHtml = 1u << 20;      // bytes that are looked at: as much as of a message's HTML
constexpr std::size_t kMaxHtmlText = 4u << 20;  // of text that is made of it

std::string addresses(const std::vector<mime::Address>& list) {
  std::string out;
  for (const mime::Address& a : list) {
    if (out.size() > 4000) return out + ", ...";
    if (!out.empty()) out += ", ";
    out += a.name.empty() ? a.address : a.name + " <" + a.address + ">";
  }
  return out;
}

aoh::Json address_list(const std::vector<mime::Address>& list) {
  aoh::Json out = aoh::Json::array();
  for (const mime::Address& a : list)
    if (out.size() < 50) out.push(aoh::utf8_prefix(a.address, 320));
  return out;
}

void line(Output& out, std::string_view name, const std::string& value) {
  if (!value.empty()) out.text(std::string(name) + ": " + printable(value, 4096) + "\n");
}

}  // namespace

void parse_html(const Context& c) {
  c.out.facts(aoh::Json{{"kind", "html"}});
  if (c.bytes.size() > kMaxHtml) c.out.warn("limit_html", "only the first MiB of the HTML was looked at");
  const mime::HtmlText read =
      mime::read_html(mime::to_utf8_text(c.bytes.substr(0, kMaxHtml), {}), kMaxHtmlText);
  for (const mime::Warning& w : read.warnings) c.out.warn(w.code, w.detail);
  c.out.text(read.text);
}

void parse_eml(const Context& c) {
  mime::ParseLimits limits;
  limits.max_text_bytes = 2u << 20;
  limits.max_hash_bytes =
      4u << 20;  // attachments are listed, not read: their sizes are estimates beyond this
  limits.hash_attachments = false;
  const mime::Message m = mime::parse(c.bytes, limits);
  aoh::Json attachments = aoh::Json::array();
  for (const mime::Attachment& a : m.attachments)
    if (attachments.size() < 200)
      attachments.push(
          aoh::Json{{"part", a.part}, {"mime_type", printable(a.mime_type, 120)}, {"size", a.size}}.set_if(
              a.filename.has_value(), "filename", printable(a.filename.value_or(""), 255)));
  aoh::Json facts{{"kind", "eml"}, {"from", address_list(m.from)}, {"attachments", std::move(attachments)}};
  facts.set_if(m.message_id.has_value(), "message_id", printable(m.message_id.value_or(""), 998))
      .set_if(m.subject.has_value(), "title", printable(m.subject.value_or(""), 500))
      .set_if(m.date.has_value(), "date", m.date.value_or(""));
  c.out.facts(facts);
  for (const mime::Warning& w : m.warnings) c.out.warn(w.code, w.detail);

  c.out.mark("message");
  line(c.out, "From", addresses(m.from));
  line(c.out, "To", addresses(m.to));
  line(c.out, "Cc", addresses(m.cc));
  line(c.out, "Date", m.date.value_or(""));
  line(c.out, "Subject", m.subject.value_or(""));
  line(c.out, "Message-ID", m.message_id.value_or(""));
  c.out.text("\n");
  if (m.text) c.out.text(*m.text);
  if (m.attachments.empty()) return;
  c.out.mark("attachments");
  for (const mime::Attachment& a : m.attachments)
    c.out.text("part " + a.part + ": " + printable(a.filename.value_or("(no name)"), 255) + ", " +
               printable(a.mime_type, 120) + ", " + (a.size_estimated ? "about " : "") +
               std::to_string(a.size) + " bytes\n");
  c.out.warn("attachments_not_read",
             "the files attached to the message are listed; their text is not in here");
}

}  // namespace mailroom::documents
