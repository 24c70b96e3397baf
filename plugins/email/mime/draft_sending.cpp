#include "mime/draft_sending.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "mime/ascii.hpp"
#include "mime/header_writer.hpp"
#include "mime/outgoing.hpp"
#include "mime/parse.hpp"
#include "mime/unicode.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kMaxLine = 998;  // RFC 5322 §2.1.1
constexpr std::size_t kMaxFields = 500;
constexpr std::size_t kMaxHeader = 256u << 10;

[[noreturn]] void unsendable(const std::string& what, const std::string& where, const char* cure = "") {
  throw Failure(Errc::invalid, "the draft cannot be sent: " + what, where, cure);
}

// What SMTP can carry (RFC 5321 §2.3.8, 4.5.3.1.6). A bare CR or LF is not repaired: two readers would see
// two messages, and in one of them a field may hide.
void check_wire(std::string_view raw) {
  std::size_t line = 1, start = 0;
  const auto bad = [&](const char* what) {
    unsendable(what + std::to_string(line), "draft", "Let email_draft update write it anew");
  };
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    if (c == '\0') bad("there is a NUL in line ");
    if (c == '\r' && (i + 1 == raw.size() || raw[i + 1] != '\n')) bad("there is a bare CR in line ");
    if (c == '\n' && (i == 0 || raw[i - 1] != '\r')) bad("there is a bare LF in line ");
    if (c == '\n') {
      ++line;
      start = i + 1;
    } else if (c != '\r' && i - start >= kMaxLine) {
      bad("there are more than 998 bytes in line ");
    }
  }
}

struct Field {
  std::string name, value;  // value unfolded, without line ends
};

/// The header's fields, and where the body begins. `raw` has passed check_wire().
std::vector<Field> split(std::string_view raw, std::size_t& body_at) {
  std::vector<Field> fields;
  std::size_t at = 0;
  while (at < raw.size()) {
    const std::size_t end = raw.find("\r\n", at);
    if (end == raw.npos) unsendable("it ends within its header", "draft", "Write it anew");
    const std::string_view line = raw.substr(at, end - at);
    at = end + 2;
    if (line.empty()) break;
    if (at > kMaxHeader)
      throw Failure(Errc::limit, "the draft's header has more than " + std::to_string(kMaxHeader) + " bytes",
                    "draft", "Write it anew");
    if (line.front() == ' ' || line.front() == '\t') {
      if (fields.empty()) unsendable("its header begins with a continued line", "draft");
      fields.back().value += line;
      continue;
    }
    const std::size_t colon = line.find(':');
    const std::string_view name = trim(line.substr(0, colon));
    if (colon == line.npos || !is_token(name))
      unsendable("a line of its header is no field: " + printable(line, 60), "draft", "Write it anew");
    if (fields.size() == kMaxFields) unsendable("its header has more than 500 fields", "draft");
    fields.push_back({std::string(name), std::string(line.substr(colon + 1))});
  }
  body_at = at;
  return fields;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view n) { return iequals(n, name); });
}

/// Fields that are written anew here.
bool is_ours(std::string_view name) {
  return is_one_of(name, {"Date", "Message-ID", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject",
                          "MIME-Version"});
}

class Outgoing {
 public:
  Outgoing(const std::vector<std::string>& own, const ComposeContext& context, const ComposeLimits& limits)
      : own_(own), limits_(limits) {
    check_unique(context.message_id_unique);
    date_ = "Date: " + date_text(context.unix_seconds) + "\r\n";
    context_ = context;
  }

  Composed run(std::string_view raw, std::string_view auto_submitted) {
    if (raw.size() > limits_.max_message_bytes)
      throw Failure(Errc::limit,
                    "the draft has " + std::to_string(raw.size()) + " bytes, more than " +
                        std::to_string(limits_.max_message_bytes),
                    "size", "Send less");
    check_wire(raw);
    std::size_t body_at = 0;
    fields_ = split(raw, body_at);
    check_once();
    header(auto_submitted);
    out_.bytes += "\r\n";
    const std::string_view body = raw.substr(body_at);
    out_.bytes += body;
    if (!out_.bytes.ends_with("\r\n")) out_.bytes += "\r\n";
    out_.eight_bit = !is_ascii(body);
    return std::move(out_);
  }

 private:
  // Of two of them one reader takes the first, another the last.
  void check_once() const {
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      const std::string& name = fields_[i].name;
      const bool once = istarts_with(name, "Content-") ||
                        is_one_of(name, {"From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Subject",
                                         "In-Reply-To", "References", "MIME-Version"});
      for (std::size_t j = 0; once && j < i; ++j)
        if (iequals(fields_[j].name, name))
          unsendable("the field " + printable(name, 80) + " stands twice", printable(name, 80),
                     "Write it anew");
    }
  }
  std::string value(std::string_view name) const {
    for (const Field& f : fields_)
      if (iequals(f.name, name)) return f.value;
    return {};
  }

  std::vector<Address> addresses(const char* name) {
    std::vector<Address> list;
    for (const Address& a : parse_addresses(value(name), limits_.max_recipients + 1)) {
      if (a.address.empty() && a.name.empty()) continue;  // a group without members
      std::string problem = slot_problem(a.name, limits_.max_header_value);
      Address good{a.name, problem.empty() ? sendable_address(a.address, problem) : std::string(), {}};
      if (!problem.empty())
        unsendable(
            "the address \"" + printable(a.address.empty() ? a.name : a.address, 200) + "\" " + problem,
            std::string(name) + "[" + std::to_string(list.size()) + "]",
            "Correct it with email_draft update");
      out_.smtputf8 = out_.smtputf8 || !is_ascii(good.address);
      list.push_back(std::move(good));
    }
    if (list.size() > limits_.max_recipients)
      throw Failure(Errc::limit,
                    "the draft has more than " + std::to_string(limits_.max_recipients) + " addresses", name);
    return list;
  }
  void must_be_own(const std::vector<Address>& list, const char* name) const {
    for (const Address& a : list)
      if (std::none_of(own_.begin(), own_.end(), [&](const std::string& o) { return iequals(o, a.address); }))
        throw Failure(Errc::refused, "the account may not send as " + printable(a.address, 200), name,
                      "Use one of its identities; the operator adds them to the credential");
  }
  void header(std::string_view auto_submitted) {
    const auto from = addresses("From"), sender = addresses("Sender"), reply_to = addresses("Reply-To");
    const auto to = addresses("To"), cc = addresses("Cc"), bcc = addresses("Bcc");
    if (from.empty()) unsendable("it has no From", "From");
    if (from.size() > 1 && sender.size() != 1)
      unsendable("several From addresses need one Sender (RFC 5322 3.6.2)", "Sender");
    if (sender.size() > 1) unsendable("it has several Sender addresses", "Sender");
    must_be_own(from, "From");
    must_be_own(sender, "Sender");
    for (const auto* list : {&to, &cc, &bcc}) add_recipients(*list, out_.envelope_to);
    if (out_.envelope_to.empty())
      unsendable("it names nobody to send to", "To", "Add recipients with email_draft update");
    if (out_.envelope_to.size() > limits_.max_recipients)
      throw Failure(Errc::limit,
                    "the draft has more than " + std::to_string(limits_.max_recipients) + " recipients",
                    "To");
    out_.envelope_from = sender.empty() ? from.front().address : sender.front().address;
    out_.message_id =
        context_.message_id_unique + '@' + out_.envelope_from.substr(out_.envelope_from.rfind('@') + 1);

    std::string& h = out_.bytes;
    h += date_;
    h += address_field("From", from);
    if (!sender.empty()) h += address_field("Sender", sender);
    if (!reply_to.empty()) h += address_field("Reply-To", reply_to);
    if (!to.empty()) h += address_field("To", to);
    if (!cc.empty()) h += address_field("Cc", cc);
    if (to.empty() && cc.empty()) h += "To: undisclosed-recipients:;\r\n";
    std::string subject = decode_header(value("Subject"));
    if (const std::string problem = slot_problem(subject, limits_.max_header_value); !problem.empty())
      unsendable("its subject " + problem, "Subject");
    if (!trim(subject).empty()) h += text_field("Subject", trim(subject));
    h += ids_field("Message-ID", {out_.message_id});
    if (!auto_submitted.empty()) h += "Auto-Submitted: " + std::string(auto_submitted) + "\r\n";
    for (const Field& f : fields_) rest(f, auto_submitted);
    h += "MIME-Version: 1.0\r\n";
  }

  /// Any other field: as it was, folded anew only where it holds what may not stand in a header.
  void rest(const Field& f, std::string_view auto_submitted) {
    if (is_ours(f.name) || is_private_header(f.name)) return;
    if (!auto_submitted.empty() && iequals(f.name, "Auto-Submitted")) return;
    const std::string_view v = trim(f.value);
    if (v.empty()) return;
    if (istarts_with(f.name, "Content-") || is_one_of(f.name, {"In-Reply-To", "References"})) {
      if (const std::string problem = slot_problem(v, kMaxHeader); !is_ascii(v) || !problem.empty())
        unsendable("the field " + f.name + (problem.empty() ? " is not ASCII" : " " + problem), f.name,
                   "Let email_draft update write it anew");
      FieldWriter field(f.name);
      for (std::size_t at = 0; at < v.size();) {
        while (at < v.size() && is_space(v[at])) ++at;
        std::size_t end = at;
        for (bool quoted = false; end < v.size() && (quoted || !is_space(v[end])); ++end) {
          if (v[end] == '\\' && quoted && end + 1 < v.size())
            ++end;
          else if (v[end] == '"')
            quoted = !quoted;
        }
        if (end - at > kMaxToken)
          unsendable("the field " + f.name + " holds a word that no line can hold", f.name);
        if (end > at) field.token(v.substr(at, end - at));
        at = end;
      }
      out_.bytes += field.take();
      return;
    }
    const std::string text = decode_header(v);
    if (!slot_problem(text, limits_.max_header_value).empty()) return;  // nobody misses it
    out_.bytes += text_field(f.name, text);
  }

  const std::vector<std::string>& own_;
  ComposeContext context_;
  const ComposeLimits& limits_;
  std::string date_;
  std::vector<Field> fields_;
  Composed out_;
};

}  // namespace

Composed sendable_from_draft(std::string_view raw, const std::vector<std::string>& own,
                             const ComposeContext& context, const ComposeLimits& limits,
                             std::string_view auto_submitted) {
  return Outgoing(own, context, limits).run(raw, auto_submitted);
}

}  // namespace mailroom::mime
