#include "mime/compose.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/error.hpp"
#include "mime/ascii.hpp"
#include "mime/entity.hpp"
#include "mime/header_writer.hpp"
#include "mime/inline_images.hpp"
#include "mime/outgoing.hpp"
#include "mime/parse.hpp"
#include "mime/unicode.hpp"

namespace mailroom::mime {
namespace {

std::string indexed(std::string_view name, std::size_t i) {
  return std::string(name) + "[" + std::to_string(i) + "]";
}

std::size_t longest_word(std::string_view s) {
  std::size_t longest = 0;
  for (std::size_t at = 0; at <= s.size();) {
    const std::size_t end = std::min(s.find(' ', at), s.size());
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  return longest;
}

class Composer {
 public:
  Composer(const Draft& draft, const ComposeContext& context, const ComposeLimits& limits)
      : d_(draft), c_(context), l_(limits) {}

  Composed run() {
    check_context();
    header();
    const Entity root = body();
    out_.eight_bit = root.eight_bit;
    write_entity(root, c_.boundary_seed, out_.bytes);
    if (out_.bytes.size() > l_.max_message_bytes) too_much("size", l_.max_message_bytes, "bytes");
    return std::move(out_);
  }

 private:
  void check_context() const {
    check_unique(c_.message_id_unique);
    if (c_.boundary_seed.size() < 8) refuse("boundary_seed", "is shorter than 8 bytes");
  }

  std::string slot(std::string_view where, std::string_view value) const {
    if (auto problem = slot_problem(value, l_.max_header_value); !problem.empty())
      refuse(std::string(where), problem);
    return std::string(value);
  }

  Address checked(const Address& a, const std::string& where) {
    Address result;
    result.name = slot(where + ".name", a.name);
    std::string problem;
    result.address = sendable_address(a.address, problem);
    if (!problem.empty()) refuse(where + ".address", problem);
    out_.smtputf8 = out_.smtputf8 || !is_ascii(result.address);
    return result;
  }

  std::vector<Address> checked(const std::vector<Address>& list, std::string_view where) {
    if (list.size() > l_.max_recipients) too_much(std::string(where), l_.max_recipients, "addresses");
    std::vector<Address> result;
    for (std::size_t i = 0; i < list.size(); ++i) result.push_back(checked(list[i], indexed(where, i)));
    return result;
  }

  void header() {
    const auto from = checked(d_.from, "from");
    if (from.empty()) refuse("from", "is missing");
    if (from.size() > 1 && !d_.sender)
      refuse("sender", "is missing: several From addresses need one (RFC 5322 3.6.2)");
    const auto to = checked(d_.to, "to");
    const auto cc = checked(d_.cc, "cc");
    const auto bcc = checked(d_.bcc, "bcc");
    const auto reply_to = checked(d_.reply_to, "reply_to");
    const bool nobody = to.empty() && cc.empty() && bcc.empty();
    if (nobody && !d_.keep_bcc) refuse("to", "is missing: nobody would get the message");
    if (to.size() + cc.size() + bcc.size() > l_.max_recipients)
      too_much("to", l_.max_recipients, "recipients");
    add_recipients(to, out_.envelope_to);
    add_recipients(cc, out_.envelope_to);
    add_recipients(bcc, out_.envelope_to);

    std::string& h = out_.bytes;
    h += "Date: " + date_text(c_.unix_seconds) + "\r\n";
    h += address_field("From", from);
    out_.envelope_from = from.front().address;
    if (d_.sender) {
      const auto sender = checked(*d_.sender, "sender");
      h += address_field("Sender", {sender});
      out_.envelope_from = sender.address;
    }
    if (!reply_to.empty()) h += address_field("Reply-To", reply_to);
    if (!to.empty()) h += address_field("To", to);
    if (!cc.empty()) h += address_field("Cc", cc);
    if (d_.keep_bcc && !bcc.empty()) h += address_field("Bcc", bcc);
    if (to.empty() && cc.empty() && !d_.keep_bcc) h += "To: undisclosed-recipients:;\r\n";
    const std::string subject = slot("subject", d_.subject);
    if (!subject.empty()) h += text_field("Subject", subject);
    const std::string& sender_address = out_.envelope_from;
    std::string domain = sender_address.substr(sender_address.rfind('@') + 1);
    out_.message_id = c_.message_id_unique + '@' + domain;
    h += ids_field("Message-ID", {out_.message_id});
    threading();
    if (!d_.auto_submitted.empty()) {
      const std::string value = to_lower(d_.auto_submitted);
      constexpr std::array<std::string_view, 4> kKnown{"no", "auto-generated", "auto-replied",
                                                       "auto-notified"};
      if (std::find(kKnown.begin(), kKnown.end(), value) == kKnown.end())
        refuse("auto_submitted", "is none of no, auto-generated, auto-replied, auto-notified (RFC 3834 5)");
      h += "Auto-Submitted: " + value + "\r\n";
    }
    extra();
    h += "MIME-Version: 1.0\r\n";
  }

  void threading() {
    if (!d_.in_reply_to.empty()) {
      if (auto problem = id_problem(d_.in_reply_to); !problem.empty()) refuse("in_reply_to", problem);
      out_.bytes += ids_field("In-Reply-To", {d_.in_reply_to});
    }
    if (d_.references.empty()) return;
    std::vector<std::string> ids = d_.references;
    const std::size_t most = std::max<std::size_t>(l_.max_references, 2);
    if (ids.size() > most) ids.erase(ids.begin() + 1, ids.end() - static_cast<std::ptrdiff_t>(most - 1));
    for (std::size_t i = 0; i < ids.size(); ++i)
      if (auto problem = id_problem(ids[i]); !problem.empty()) refuse(indexed("references", i), problem);
    out_.bytes += ids_field("References", ids);
  }

  void extra() {
    if (d_.extra_headers.size() > l_.max_extra_headers) too_much("headers", l_.max_extra_headers, "fields");
    for (std::size_t i = 0; i < d_.extra_headers.size(); ++i) {
      const auto& [name, value] = d_.extra_headers[i];
      const std::string where = indexed("headers", i);
      if (auto problem = slot_problem(name, 70); !problem.empty()) refuse(where + ".name", problem);
      if (!is_allowed_header(name))
        refuse(where + ".name", "is not a header that may be set here: " + printable(name, 80),
               "X-*, List-*, Precedence, Importance and the like may");
      for (std::size_t j = 0; j < i; ++j)
        if (iequals(d_.extra_headers[j].first, name)) refuse(where + ".name", "stands twice: " + name);
      const std::string checked_value = slot(where + ".value", value);
      if (trim(checked_value).empty()) refuse(where + ".value", "is empty");
      // What programs read is not text: an encoded word in it would not be understood.
      if (istarts_with(name, "List-") && !is_ascii(checked_value)) refuse(where + ".value", "is not ASCII");
      if (istarts_with(name, "List-") && checked_value.find("=?") != checked_value.npos)
        refuse(where + ".value", "holds an encoded word");
      if (istarts_with(name, "List-") && longest_word(checked_value) > kMaxToken)
        refuse(where + ".value",
               "holds a word of more than " + std::to_string(kMaxToken) + " bytes, which no line can hold");
      out_.bytes += text_field(name, trim(checked_value));
    }
  }

  Entity body() {
    if (d_.attachments.size() > l_.max_attachments) too_much("attachments", l_.max_attachments, "files");
    std::size_t bytes = (d_.text ? d_.text->size() : 0) + (d_.html ? d_.html->size() : 0);
    for (const auto& a : d_.attachments) bytes += a.bytes.size();
    if (bytes > l_.max_message_bytes)
      too_much("size", l_.max_message_bytes, "bytes");  // before anything is encoded

    InlineHtml shown;
    if (d_.html) shown = inline_images(*d_.html, id_suffix(), l_.max_inline_images, l_.max_inline_bytes);
    const std::string empty;
    const std::string& html = !d_.html ? empty : shown.changed ? shown.html : *d_.html;

    std::vector<Entity> files;
    std::vector<Entity> within;
    for (std::size_t i = 0; i < d_.attachments.size(); ++i) {
      const auto& a = d_.attachments[i];
      const std::string where = indexed("attachments", i);
      const std::string& id = called_id(a, shown.cids, where);
      const bool called = take_call(shown.cids, id, where);
      if (a.is_inline && !called)
        out_.warnings.push_back(where +
                                " is inline, but no cid: in the HTML names it: it is an ordinary attachment");
      (called ? within : files).push_back(attachment_entity(a, where, id, called, c_.eight_bit_ok));
    }
    missing(shown.cids);
    for (std::size_t i = 0; i < shown.images.size(); ++i)
      within.push_back(attachment_entity(shown.images[i], "html", shown.images[i].content_id, true, false));

    std::vector<Entity> parts;
    if (d_.html) {
      Entity page = text_entity("text/html", html, "html", c_.eight_bit_ok);
      if (!within.empty()) {
        within.insert(within.begin(), std::move(page));
        page = multipart_entity("related", std::move(within));
      }
      std::vector<Entity> both;
      both.push_back(d_.text ? text_entity("text/plain", *d_.text, "text", c_.eight_bit_ok)
                             : text_entity("text/plain", html_to_text(html), "text", c_.eight_bit_ok));
      both.push_back(std::move(page));
      parts.push_back(multipart_entity("alternative", std::move(both)));
    } else if (d_.text || files.empty()) {
      parts.push_back(text_entity("text/plain", d_.text ? *d_.text : empty, "text", c_.eight_bit_ok));
    }
    if (files.empty()) return std::move(parts.front());
    std::move(files.begin(), files.end(), std::back_inserter(parts));
    return multipart_entity("mixed", std::move(parts));
  }

  // Where the Content-IDs of images from data: URIs come from: as unique as the Message-ID.
  std::string id_suffix() const {
    const std::string domain = out_.envelope_from.substr(out_.envelope_from.rfind('@') + 1);
    return c_.message_id_unique + '@' + (domain.starts_with('[') ? "inline.invalid" : domain);
  }

  // The id that the HTML may call the file by: its own, else its name.
  const std::string& called_id(const DraftAttachment& a, const std::vector<std::string>& cids,
                               const std::string& where) const {
    if (!a.content_id.empty() || !a.is_inline || !d_.html) return a.content_id;
    for (const auto& cid : cids)
      if (names_content(cid, a.filename) && id_problem(a.filename).empty()) return a.filename;
    refuse(where + ".content_id", "is missing: an inline image is found by it",
           "give it a content_id, and show it in the HTML by cid: and that id");
  }

  // True when the HTML calls `id`; what it is called by counts as answered from then on.
  bool take_call(std::vector<std::string>& cids, const std::string& id, const std::string& where) {
    if (id.empty() || !d_.html) return false;
    if (std::find(answered_.begin(), answered_.end(), id) != answered_.end())
      refuse(where + ".content_id",
             "is another attachment's too, and the HTML shows it: " + printable(id, 80));
    if (std::erase_if(cids, [&](const std::string& cid) { return names_content(cid, id); }) == 0)
      return false;
    answered_.push_back(id);
    return true;
  }

  void missing(const std::vector<std::string>& cids) {
    for (const auto& cid : cids) {
      const std::string what = "shows cid:" + printable(cid, 80) + ", and no attachment has that content_id";
      if (!d_.allow_missing_images)
        refuse("html", what, "attach the image with that content_id, or take it out of the HTML");
      if (out_.warnings.size() < 100) out_.warnings.push_back("html " + what);
    }
  }

  const Draft& d_;
  const ComposeContext& c_;
  const ComposeLimits& l_;
  std::vector<std::string> answered_;  // content ids that the HTML shows
  Composed out_;
};

}  // namespace

Composed compose(const Draft& draft, const ComposeContext& context, const ComposeLimits& limits) {
  return Composer(draft, context, limits).run();
}

}  // namespace mailroom::mime
