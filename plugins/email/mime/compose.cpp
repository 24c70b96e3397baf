#include "mime/compose.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "base/error.hpp"
#include "mime/ascii.hpp"
#include "mime/charset.hpp"
#include "mime/codec.hpp"
#include "mime/header_writer.hpp"
#include "mime/outgoing.hpp"
#include "mime/parse.hpp"
#include "mime/unicode.hpp"

namespace mailroom::mime {
namespace {

[[noreturn]] void refuse(const std::string& where, std::string_view what, std::string cure = {}) {
  std::string line = "the message cannot be composed: " + where + " " + std::string(what);
  throw Failure(Errc::invalid, std::move(line), where, std::move(cure));
}

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

// CRLF for every line end; a body that is not empty ends in one.
std::string with_crlf_lines(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 32 + 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' || text[i] == '\n') {
      if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
      out += "\r\n";
    } else {
      out += text[i];
    }
  }
  if (!out.empty() && !out.ends_with("\r\n")) out += "\r\n";
  return out;
}

// A part with what stands within it; leaves have `body`, multiparts `children`.
struct Node {
  std::string
      fields;  // Content-*, each with CRLF; a multipart's Content-Type comes when its boundary is known
  std::string body;
  std::string multipart;  // "mixed", "alternative", "related"; empty for a leaf
  std::vector<Node> children;
};

struct Scan7 {
  bool clean = true;  // 7-bit, no controls but tab and line ends, no NUL
  bool controls = false;
  std::size_t longest = 0;
  std::size_t high = 0;
  bool fragile = false;  // a line that relays rewrite
};

Scan7 look(std::string_view crlf_text) {
  Scan7 s;
  std::size_t line = 0;
  for (std::size_t i = 0; i < crlf_text.size(); ++i) {
    const auto c = static_cast<unsigned char>(crlf_text[i]);
    if (c == '\n') {
      s.longest = std::max(s.longest, line);
      line = 0;
      continue;
    }
    if (c == '\r') continue;
    if (line == 0 && crlf_text.substr(i, 5) == "From ") s.fragile = true;
    ++line;
    if (c >= 0x80) ++s.high;
    if ((c < 0x20 && c != '\t') || c == 0x7f) s.controls = true;
  }
  s.longest = std::max(s.longest, line);
  s.clean = !s.controls && s.high == 0;
  return s;
}

Node text_node(std::string_view type, std::string_view text, std::string_view where) {
  if (!is_utf8(text)) refuse(std::string(where), "is not valid UTF-8");
  const std::string body = with_crlf_lines(text);
  const Scan7 s = look(body);
  Node node;
  node.fields = "Content-Type: " + std::string(type) + "; charset=utf-8\r\n";
  if (s.clean && !s.fragile && s.longest <= 998) {
    node.fields += "Content-Transfer-Encoding: 7bit\r\n";
    node.body = body;
  } else if (!s.controls && s.high * 6 <= body.size()) {
    node.fields += "Content-Transfer-Encoding: quoted-printable\r\n";
    node.body = encode_quoted_printable(body);
  } else {
    node.fields += "Content-Transfer-Encoding: base64\r\n";
    node.body = encode_base64(body);
  }
  return node;
}

Node attachment_node(const DraftAttachment& a, const std::string& where, bool within_html) {
  std::string type = a.mime_type.empty() ? "application/octet-stream" : to_lower(a.mime_type);
  const std::size_t slash = type.find('/');
  if (slash == type.npos || !is_token(type.substr(0, slash)) || !is_token(type.substr(slash + 1)))
    refuse(where + ".mime_type", "is not a type like application/pdf");
  if (type.starts_with("multipart/"))
    refuse(where + ".mime_type", "is a multipart, which an attachment cannot be");
  if (auto problem = slot_problem(a.filename, 4096); !problem.empty()) refuse(where + ".filename", problem);
  if (!a.content_id.empty())
    if (auto problem = id_problem(a.content_id); !problem.empty()) refuse(where + ".content_id", problem);
  if (within_html && a.content_id.empty())
    refuse(where + ".content_id", "is missing: an inline image is found by it");

  Node node;
  bool as_is = false;
  if (type.starts_with("message/")) {
    // A message may not be encoded within another (RFC 2046 §5.2.1): as it is where that is safe, else as a
    // mere file.
    node.body = with_crlf_lines(a.bytes);
    const Scan7 s = look(node.body);
    as_is = type == "message/rfc822" && s.clean && s.longest <= 998;
    if (!as_is) type = "application/octet-stream";
  }
  node.fields =
      "Content-Type: " + type + "\r\nContent-Transfer-Encoding: " + (as_is ? "7bit" : "base64") + "\r\n";
  if (!as_is) node.body = encode_base64(a.bytes);
  const std::string name = a.filename.empty() ? std::string() : safe_filename(a.filename);
  node.fields +=
      parameter_field("Content-Disposition", a.is_inline ? "inline" : "attachment", "filename", name);
  if (!a.content_id.empty()) node.fields += "Content-ID: <" + a.content_id + ">\r\n";
  return node;
}

Node around(std::string kind, std::vector<Node> children) {
  Node node;
  node.multipart = std::move(kind);
  node.children = std::move(children);
  return node;
}

bool occurs(const Node& node, std::string_view text) {  // a draft nests four levels at most
  return node.body.find(text) != node.body.npos ||
         std::any_of(node.children.begin(), node.children.end(),
                     [&](const Node& n) { return occurs(n, text); });
}

class Writer {
 public:
  explicit Writer(std::string_view seed) : seed_(seed) {}

  void write(const Node& node, std::string& out) {
    if (node.multipart.empty()) {
      out += node.fields;
      out += "\r\n";
      out += node.body;
      if (!out.ends_with("\r\n")) out += "\r\n";
      return;
    }
    const std::string boundary = fresh_boundary(node);
    out += "Content-Type: multipart/" + node.multipart + ";\r\n boundary=\"" + boundary + "\"\r\n" +
           node.fields + "\r\n";
    for (const auto& child : node.children) {
      out += "--" + boundary + "\r\n";
      write(child, out);
      if (!child.body.ends_with("\r\n") && child.multipart.empty())
        continue;  // its last line end is the delimiter's
      out += "\r\n";
    }
    out += "--" + boundary + "--\r\n";
  }

 private:
  std::string fresh_boundary(const Node& node) {
    for (;;) {
      const std::string input = std::string(seed_) + '/' + std::to_string(count_++);
      std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
      unsigned length = 0;
      EVP_Digest(input.data(), input.size(), digest.data(), &length, EVP_sha256(), nullptr);
      std::string boundary =
          "=_";  // base64 has no '_' and quoted-printable no "=_": only a 7-bit body can hold it
      for (std::size_t i = 0; i < 16; ++i) {
        boundary += "0123456789abcdef"[digest[i] >> 4];
        boundary += "0123456789abcdef"[digest[i] & 15];
      }
      if (!occurs(node, boundary)) return boundary;
    }
  }

  std::string_view seed_;
  std::size_t count_ = 0;
};

class Composer {
 public:
  Composer(const Draft& draft, const ComposeContext& context, const ComposeLimits& limits)
      : d_(draft), c_(context), l_(limits) {}

  Composed run() {
    check_context();
    const Node root = body();
    header();
    Writer(c_.boundary_seed).write(root, out_.bytes);
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

  Node body() {
    if (d_.attachments.size() > l_.max_attachments) too_much("attachments", l_.max_attachments, "files");
    std::size_t bytes = (d_.text ? d_.text->size() : 0) + (d_.html ? d_.html->size() : 0);
    for (const auto& a : d_.attachments) bytes += a.bytes.size();
    if (bytes > l_.max_message_bytes)
      too_much("size", l_.max_message_bytes, "bytes");  // before anything is encoded

    std::vector<Node> files;
    std::vector<Node> within;
    for (std::size_t i = 0; i < d_.attachments.size(); ++i) {
      const auto& a = d_.attachments[i];
      const bool in_html = a.is_inline && d_.html.has_value();
      (in_html ? within : files).push_back(attachment_node(a, indexed("attachments", i), in_html));
    }
    std::vector<Node> parts;
    if (d_.html) {
      Node html = text_node("text/html", *d_.html, "html");
      if (!within.empty()) {
        within.insert(within.begin(), std::move(html));
        html = around("related", std::move(within));
      }
      const std::string text = d_.text ? *d_.text : html_to_text(*d_.html);
      std::vector<Node> both;
      both.push_back(text_node("text/plain", text, "text"));
      both.push_back(std::move(html));
      parts.push_back(around("alternative", std::move(both)));
    } else if (d_.text || files.empty()) {
      parts.push_back(text_node("text/plain", d_.text.value_or(""), "text"));
    }
    if (files.empty()) return std::move(parts.front());
    std::move(files.begin(), files.end(), std::back_inserter(parts));
    return around("mixed", std::move(parts));
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
