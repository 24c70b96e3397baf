#include "mime/edit.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "base/error.hpp"
#include "mime/ascii.hpp"
#include "mime/charset.hpp"
#include "mime/header_writer.hpp"
#include "mime/outgoing.hpp"
#include "mime/parse.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kMaxLine = 998;  // RFC 5322 §2.1.1

[[noreturn]] void refuse_draft(const std::string& where, const std::string& what, std::string cure = {}) {
  throw Failure(Errc::invalid, "the draft cannot be sent as it is: " + where + " " + what, where,
                cure.empty() ? "compose the message anew" : std::move(cure));
}

[[noreturn]] void beyond(const std::string& where, std::size_t limit, std::string_view unit) {
  throw Failure(
      Errc::limit,
      "the draft cannot be sent: " + where + " is beyond " + std::to_string(limit) + " " + std::string(unit),
      where, "send less, or in several messages");
}

// What SMTP can carry (RFC 5321 §2.3.8, 4.5.3.1.6).
void check_wire(std::string_view raw) {
  std::size_t line = 1;
  std::size_t start = 0;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    const auto bad = [&](const char* what) { refuse_draft("draft", what + std::to_string(line)); };
    if (c == '\0') bad("has a NUL in line ");
    if (c == '\r' && (i + 1 == raw.size() || raw[i + 1] != '\n')) bad("has a bare CR in line ");
    if (c == '\n' && (i == 0 || raw[i - 1] != '\r')) bad("has a bare LF in line ");
    if (c == '\n') {
      ++line;
      start = i + 1;
    } else if (c != '\r' && i - start >= kMaxLine) {
      bad("has more than 998 bytes in line ");
    }
  }
}

struct Field {
  std::string_view name;
  std::string_view value;  // folded, without its last line end
  std::string_view all;    // with name, colon and line end
};

// The lines of one field, from `at`; what follows an LF that begins with a blank is still it.
std::string_view field_lines(std::string_view header, std::size_t at) {
  std::size_t end = at;
  do {
    end = std::min(header.find('\n', end), header.size() - 1) + 1;
  } while (end < header.size() && (header[end] == ' ' || header[end] == '\t'));
  return header.substr(at, end - at);
}

// The size of the header block, its empty line not counted.
std::size_t header_size(std::string_view raw) {
  for (std::size_t at = 0; at < raw.size();) {
    const std::string_view rest = raw.substr(at);
    if (rest.starts_with("\r\n") || rest.starts_with('\n')) return at;
    const std::size_t end = raw.find('\n', at);
    if (end == raw.npos) break;
    at = end + 1;
  }
  return raw.size();
}

std::vector<Field> fields_of(std::string_view header) {
  std::vector<Field> fields;
  for (std::size_t at = 0; at < header.size();) {
    Field f;
    f.all = field_lines(header, at);
    at += f.all.size();
    const std::size_t colon = f.all.find(':');
    f.name = f.all.substr(0, colon == f.all.npos ? 0 : colon);
    const bool good = !f.name.empty() &&
                      std::all_of(f.name.begin(), f.name.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    if (!good) refuse_draft("draft", "has a header line that is no field: " + printable(f.all, 60));
    f.value = f.all.substr(colon + 1);
    f.value.remove_suffix(2);
    fields.push_back(f);
  }
  return fields;
}

constexpr std::array<std::string_view, 6> kAddressFields{"From", "Sender", "Reply-To", "To", "Cc", "Bcc"};
constexpr std::array<std::string_view, 9> kOnce{"From",    "Sender",      "Reply-To",   "To",          "Cc",
                                                "Subject", "In-Reply-To", "References", "MIME-Version"};

bool is_one_of(std::string_view name, const auto& names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view n) { return iequals(n, name); });
}

class Editor {
 public:
  Editor(std::string_view header, const EditLimits& limits) : l_(limits), fields_(fields_of(header)) {}

  Composed run(std::int64_t now, std::string_view unique) {
    for (std::size_t i = 0; i < fields_.size(); ++i) check(i);
    envelope();
    const std::string date = "Date: " + date_text(now) + "\r\n";
    out_.message_id = std::string(unique) + out_.envelope_from.substr(out_.envelope_from.rfind('@'));
    const std::string id = ids_field("Message-ID", {out_.message_id});
    std::string& h = out_.bytes;
    if (!has("Date")) h += date;
    if (!has("Message-ID")) h += id;
    bool date_done = false, id_done = false;
    for (const auto& f : fields_) {
      if (iequals(f.name, "Bcc") || iequals(f.name, "Return-Path")) continue;
      bool* done = iequals(f.name, "Date") ? &date_done : iequals(f.name, "Message-ID") ? &id_done : nullptr;
      if (!done) {
        h += f.all;
      } else if (!*done) {
        *done = true;
        h += done == &date_done ? date : id;
      }
    }
    if (!has("To") && !has("Cc")) h += "To: undisclosed-recipients:;\r\n";
    return std::move(out_);
  }

 private:
  bool has(std::string_view name) const {
    return std::any_of(fields_.begin(), fields_.end(), [&](const Field& f) { return iequals(f.name, name); });
  }

  void check(std::size_t i) const {
    const Field& f = fields_[i];
    const std::string name = printable(f.name, 80);
    if (istarts_with(f.name, "Resent-")) refuse_draft(name, "is of a message that was sent before");
    if (is_one_of(f.name, kOnce) || istarts_with(f.name, "Content-"))
      for (std::size_t j = 0; j < i; ++j)
        if (iequals(fields_[j].name, f.name)) refuse_draft(name, "stands twice");
    if (is_ascii(f.value)) return;
    if (!is_one_of(f.name, kAddressFields) || !is_utf8(f.value))
      refuse_draft(name, "has 8-bit bytes, which a header cannot carry", "");
  }

  std::vector<Address> addresses(std::string_view name) const {
    std::vector<Address> found;
    for (const auto& f : fields_) {
      if (!iequals(f.name, name)) continue;
      for (auto& a : parse_addresses(f.value, l_.max_recipients + 1)) {
        if (a.address.empty() && a.name.empty()) continue;  // an empty group: undisclosed recipients
        const std::string where = std::string(name) + "[" + std::to_string(found.size()) + "]";
        std::string problem;
        a.address = sendable_address(a.address, problem);
        if (!problem.empty())
          refuse_draft(where, problem + ": " + printable(a.name, 60), "correct the address");
        found.push_back(std::move(a));
        if (found.size() > l_.max_recipients) beyond(std::string(name), l_.max_recipients, "addresses");
      }
    }
    return found;
  }

  void envelope() {
    const auto from = addresses("From");
    const auto sender = addresses("Sender");
    if (from.empty()) refuse_draft("From", "is missing");
    if (sender.size() > 1 || (from.size() > 1 && sender.empty()))
      refuse_draft("Sender", "must be one address (RFC 5322 3.6.2)");
    out_.envelope_from = sender.empty() ? from.front().address : sender.front().address;
    addresses("Reply-To");
    std::size_t recipients = 0;
    for (std::string_view name : {"To", "Cc", "Bcc"}) {
      const auto list = addresses(name);
      recipients += list.size();
      add_recipients(list, out_.envelope_to);
    }
    if (recipients > l_.max_recipients) beyond("To", l_.max_recipients, "recipients");
    if (recipients == 0) refuse_draft("To", "is missing: nobody would get the message", "add a recipient");
    out_.smtputf8 = !is_ascii(out_.envelope_from);
    for (const auto& a : out_.envelope_to) out_.smtputf8 = out_.smtputf8 || !is_ascii(a);
    for (const auto& f : fields_)
      out_.smtputf8 = out_.smtputf8 || (!is_ascii(f.value) && !iequals(f.name, "Bcc"));
  }

  const EditLimits& l_;
  std::vector<Field> fields_;
  Composed out_;
};

}  // namespace

Composed outgoing_from_draft(std::string_view raw, std::int64_t now, std::string_view unique,
                             const EditLimits& limits) {
  check_unique(unique);
  if (raw.size() > limits.max_message_bytes) beyond("draft", limits.max_message_bytes, "bytes");
  check_wire(raw);
  const std::size_t size = header_size(raw);
  if (size > limits.max_header_bytes) beyond("draft", limits.max_header_bytes, "bytes of header");
  std::string_view header = raw.substr(0, size);
  if (!header.ends_with("\r\n")) refuse_draft("draft", "ends within its header");
  const std::string_view body = size < raw.size() ? raw.substr(size + 2) : std::string_view();
  const bool high = !is_ascii(body);
  if (high && !limits.eight_bit_ok)
    refuse_draft("draft", "has 8-bit bytes in its body, which this server does not take");
  Composed out = Editor(header, limits).run(now, unique);
  out.eight_bit = high;
  out.bytes.reserve(out.bytes.size() + body.size() + 4);
  out.bytes += "\r\n";
  out.bytes += body;
  if (!out.bytes.ends_with("\r\n")) out.bytes += "\r\n";
  return out;
}

std::string with_bcc_removed(std::string_view raw) {
  const std::string_view header = raw.substr(0, header_size(raw));
  for (std::size_t i = 0; i < header.size(); ++i)
    if (header[i] == '\0' || (header[i] == '\r' && (i + 1 == header.size() || header[i + 1] != '\n')))
      refuse_draft("draft", "has a bare CR or a NUL in its header");
  std::string out;
  out.reserve(raw.size());
  for (std::size_t at = 0; at < header.size();) {
    const std::string_view lines = field_lines(header, at);
    at += lines.size();
    const std::string_view name = trim(lines.substr(0, lines.find(':')));
    if (!iequals(name, "Bcc") && !iequals(name, "Resent-Bcc")) out += lines;
  }
  out += raw.substr(header.size());
  return out;
}

}  // namespace mailroom::mime
