#include "mime/compose.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/error.hpp"
#include "mime/ascii.hpp"
#include "mime/entity.hpp"
#include "mime/header_writer.hpp"
#include "mime/outgoing.hpp"
#include "mime/parse.hpp"
#include "mime/unicode.hpp"

namespace mailroom::mime {
namespace {

[[noreturn]] void too_much(const std::string& where, std::size_t limit, std::string_view unit) {
  std::string line = "the message cannot be composed: " + where + " is beyond " + std::to_string(limit) +
                     " " + std::string(unit);
  throw Failure(Errc::limit, std::move(line), where, "send less, or in several messages");
}

std::string indexed(std::string_view name, std::size_t i) {
  return std::string(name) + "[" + std::to_string(i) + "]";
}

// "Mon, 23 Nov 2026 20:00:00 +0000" (RFC 5322 §3.3).
std::string date_text(std::int64_t unix_seconds) {
  if (unix_seconds < 0 || unix_seconds > 253402300799) refuse("date", "is not between 1970 and 9999");
  const std::int64_t days = unix_seconds / 86400;
  const auto seconds = static_cast<int>(unix_seconds % 86400);
  const std::int64_t z = days + 719468;
  const std::int64_t era = z / 146097;
  const std::int64_t doe = z - era * 146097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::int64_t mp = (5 * doy + 2) / 153;
  const auto day = static_cast<int>(doy - (153 * mp + 2) / 5 + 1);
  const auto month = static_cast<std::size_t>(mp < 10 ? mp + 2 : mp - 10);  // from 0
  const auto year = static_cast<int>(yoe + era * 400 + (month <= 1));
  constexpr std::array<const char*, 7> kDays{"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  constexpr std::array<const char*, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d +0000",
                kDays[static_cast<std::size_t>(days % 7)], day, kMonths[month], year, seconds / 3600,
                seconds / 60 % 60, seconds % 60);
  return text.data();
}

class Composer {
 public:
  Composer(const Draft& draft, const ComposeContext& context, const ComposeLimits& limits)
      : d_(draft), c_(context), l_(limits) {}

  Composed run() {
    check_context();
    const Entity root = body();
    header();
    write_entity(root, c_.boundary_seed, out_.bytes);
    if (out_.bytes.size() > l_.max_message_bytes) too_much("size", l_.max_message_bytes, "bytes");
    return std::move(out_);
  }

 private:
  void check_context() const {
    const auto& u = c_.message_id_unique;
    const bool good = u.size() >= 8 && u.size() <= 128 && std::all_of(u.begin(), u.end(), [](char c) {
                        return is_alpha(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
                      });
    if (!good || u.front() == '.' || u.back() == '.')
      refuse("message_id_unique", "is not a token of 8 to 128 characters");
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

  void recipients(const std::vector<Address>& list) {
    for (const auto& a : list) {
      const std::size_t at = a.address.rfind('@');
      const bool known =
          std::any_of(out_.envelope_to.begin(), out_.envelope_to.end(), [&](const std::string& e) {
            return e.size() == a.address.size() && e.compare(0, at, a.address, 0, at) == 0 &&
                   iequals(std::string_view(e).substr(at), std::string_view(a.address).substr(at));
          });
      if (!known) out_.envelope_to.push_back(a.address);
    }
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
    if (to.empty() && cc.empty() && bcc.empty()) refuse("to", "is missing: nobody would get the message");
    if (to.size() + cc.size() + bcc.size() > l_.max_recipients)
      too_much("to", l_.max_recipients, "recipients");
    recipients(to);
    recipients(cc);
    recipients(bcc);

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
    if (to.empty() && cc.empty()) h += "To: undisclosed-recipients:;\r\n";
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
      out_.bytes += text_field(name, trim(checked_value));
    }
  }

  Entity body() {
    if (d_.attachments.size() > l_.max_attachments) too_much("attachments", l_.max_attachments, "files");
    std::size_t bytes = (d_.text ? d_.text->size() : 0) + (d_.html ? d_.html->size() : 0);
    for (const auto& a : d_.attachments) bytes += a.bytes.size();
    if (bytes > l_.max_message_bytes)
      too_much("size", l_.max_message_bytes, "bytes");  // before anything is encoded

    std::vector<Entity> files;
    std::vector<Entity> within;
    for (std::size_t i = 0; i < d_.attachments.size(); ++i) {
      const auto& a = d_.attachments[i];
      const bool in_html = a.is_inline && d_.html.has_value();
      (in_html ? within : files).push_back(attachment_entity(a, indexed("attachments", i), in_html));
    }
    std::vector<Entity> parts;
    if (d_.html) {
      Entity html = text_entity("text/html", *d_.html, "html");
      if (!within.empty()) {
        within.insert(within.begin(), std::move(html));
        html = multipart_entity("related", std::move(within));
      }
      const std::string text = d_.text ? *d_.text : html_to_text(*d_.html);
      std::vector<Entity> both;
      both.push_back(text_entity("text/plain", text, "text"));
      both.push_back(std::move(html));
      parts.push_back(multipart_entity("alternative", std::move(both)));
    } else if (d_.text || files.empty()) {
      parts.push_back(text_entity("text/plain", d_.text.value_or(""), "text"));
    }
    if (files.empty()) return std::move(parts.front());
    std::move(files.begin(), files.end(), std::back_inserter(parts));
    return multipart_entity("mixed", std::move(parts));
  }

  const Draft& d_;
  const ComposeContext& c_;
  const ComposeLimits& l_;
  Composed out_;
};

}  // namespace

Composed compose(const Draft& draft, const ComposeContext& context, const ComposeLimits& limits) {
  return Composer(draft, context, limits).run();
}

}  // namespace mailroom::mime
