// HTML and messages: the email plugin's own reading of them (plugins/email/mime is pure and below every
// plugin), so that a message says the same in a knowledge base as in a mailbox.
#include "base/error.hpp"
#include "mime/html_text.hpp"
#include "mime/parse.hpp"
#include "parser/names.hpp"
#include "parser/parsers.hpp"

namespace mailroom::documents {
namespace {

constexpr std::size_t kMaxHtml = 1u << 20;         // bytes that are looked at: as much as of a message's HTML
constexpr std::size_t kMaxHtmlText = 4u << 20;     // of text that is made of it
constexpr std::uint64_t kMaxFile = 64u << 20;      // bytes of an attached file that is read
constexpr std::uint64_t kMaxScanned = 4ull << 30;  // each file that is handed on scans the message once more

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

// Hands one attached file on; false where nobody reads such files.
bool hand_on(const Context& c, const mime::Attachment& a, const std::string& name) {
  std::string head;  // until it is known what it is
  bool decided = false, open = false;
  const auto decide = [&] {
    decided = true;
    const Family family = sniff(head, name, a.mime_type).family;
    open = family != Family::none && family != Family::picture;
    if (!open) return;
    c.out.member(name);
    c.out.member_data(head);
  };
  mime::stream_part(c.bytes, a.part, [&](std::string_view block) {
    if (decided) {
      if (open) c.out.member_data(block);
      return;
    }
    head += block;
    if (head.size() >= kSniffBytes) decide();
  });
  if (!decided && !head.empty()) decide();
  if (open) c.out.member_end();
  return open || head.empty();
}

// "part 2" where it has no name; a message is told by its own.
std::string file_name(const mime::Attachment& a) {
  std::string name = a.filename.value_or("part " + a.part);
  if (a.kind == "message" && !name.ends_with(".eml")) name += ".eml";
  return name;
}

void files(const Context& c, const mime::Message& m) {
  Twins twins;
  std::size_t left = 0, count = 0;
  const std::uint64_t most =
      std::min<std::uint64_t>(c.limits.max_members, kMaxScanned / std::max<std::uint64_t>(1, c.bytes.size()));
  for (const mime::Attachment& a : m.attachments) {
    const std::string name = file_name(a);
    for (const std::string& fault : name_faults(name))
      c.out.warn("member_name", "a name " + fault + ": " + shown_name(name));
    if (!twins.first(name))
      c.out.warn("member_twin",
                 "more than one file is called, as some file systems see it, " + shown_name(name));
    const bool readable =
        a.kind.empty() || a.kind == "message" || a.kind == "calendar" || a.kind == "headers";
    const bool now = readable && c.members && count < most && a.size <= kMaxFile;
    count += now;
    if (!now || !hand_on(c, a, name)) ++left;
  }
  if (left > 0)
    c.out.warn("attachments_not_read",
               std::to_string(left) +
                   " of the files attached to the message are listed only; their text is not in here");
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
  limits.max_hash_bytes = 4u << 20;  // attachments are handed on later: beyond this their sizes are estimates
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
  files(c, m);
}

}  // namespace mailroom::documents
