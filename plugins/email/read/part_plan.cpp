#include "read/part_plan.hpp"

#include <algorithm>

#include "mime/ascii.hpp"
#include "mime/parse.hpp"

namespace mailroom::read {
namespace {

using imap::BodyPart;

const std::string* param(const std::vector<std::pair<std::string, std::string>>& params,
                         std::string_view name) {
  for (const auto& [k, v] : params)
    if (mime::iequals(k, name)) return &v;
  return nullptr;
}

bool multipart(const BodyPart& p) { return p.type == "multipart"; }

// Text that a reader shows. A named or attached text file stays where it is.
bool shown(const BodyPart& p) {
  return p.type == "text" && (p.subtype == "plain" || p.subtype == "html" || p.subtype == "enriched") &&
         p.disposition != "attachment" && !param(p.disposition_params, "filename") &&
         !param(p.disposition_params, "filename*") && !param(p.params, "name") && !param(p.params, "name*");
}

// What is looked into, whatever it is called: an invitation is data; winmail.dat and a signature that is not
// apart may hold the only text that there is.
bool looked_into(const BodyPart& p) {
  constexpr std::uint32_t kMostCalendar = 256u << 10, kMost = 1u << 20;  // bytes, encoded
  if (p.type == "text" && p.subtype == "calendar") return p.size <= kMostCalendar;
  if (p.size > kMost) return false;
  const std::string* name = param(p.disposition_params, "filename");
  if (!name) name = param(p.params, "name");
  if (name && mime::iequals(*name, "winmail.dat")) return true;
  if (p.type != "application") return false;
  if (p.subtype == "ms-tnef" || p.subtype == "vnd.ms-tnef") return true;
  const std::string* kind = param(p.params, "smime-type");
  return (p.subtype == "pkcs7-mime" || p.subtype == "x-pkcs7-mime") &&
         !(kind && mime::iequals(*kind, "enveloped-data"));
}

struct Walk {
  const TextLimits& limits;
  PartPlan& plan;
  std::size_t parts = 0;
  std::uint32_t text_left;
  bool all_shown = true;
  bool usable = true;

  void part(const BodyPart& p, bool top) {
    if (++parts > limits.parts) {
      plan.cut = true;
      return;
    }
    if (!top) plan.wants.push_back({p.number + ".MIME", std::nullopt, 0});
    if (multipart(p)) {
      const std::string* boundary = param(p.params, "boundary");
      if (p.parts.empty() || !boundary || boundary->empty() || (!top && p.number.empty())) usable = false;
      for (const BodyPart& child : p.parts) part(child, false);
    } else if (shown(p)) {
      if (!p.size_known) usable = false;  // how much to ask for?
      const std::uint32_t want = std::min({p.size, limits.text_part, text_left});
      if (want < p.size) plan.cut = true;
      text_left -= want;
      if (want > 0) plan.wants.push_back({p.number, want, 0});
    } else {
      all_shown = false;
      if (looked_into(p) && p.size > 0 && p.size <= text_left) {
        text_left -= p.size;
        plan.wants.push_back({p.number, std::nullopt, 0});
      }
    }
  }
};

void put(const BodyPart& p, bool top, const imap::MessageRow& row, std::string& out) {
  if (!top) {
    const imap::Section* header = row.section(p.number + ".MIME");
    out += header && !header->bytes.empty() ? header->bytes : "\r\n";
    // The section ends with the empty line that ends the header (RFC 3501 §6.4.5), but not on every server.
    if (!out.ends_with("\r\n\r\n")) out += out.ends_with("\r\n") ? "\r\n" : "\r\n\r\n";
  }
  if (multipart(p)) {
    const std::string* boundary = param(p.params, "boundary");
    for (const BodyPart& child : p.parts) {
      out += "\r\n--" + *boundary + "\r\n";
      put(child, false, row, out);
    }
    out += "\r\n--" + *boundary + "--\r\n";
  } else if (const imap::Section* body = row.section(p.number)) {
    out += body->bytes;
  }
}

std::uint64_t decoded_size(const BodyPart& p) {
  if (!mime::iequals(p.encoding, "base64")) return p.size;
  return static_cast<std::uint64_t>(p.size) * 57 / 78;  // 57 bytes a line of 76 characters and CRLF
}

}  // namespace

const BodyPart* find_part(const BodyPart& p, std::string_view number) {
  if (!multipart(p)) return p.number == number ? &p : nullptr;
  for (const BodyPart& child : p.parts)
    if (const BodyPart* hit = find_part(child, number)) return hit;
  return nullptr;
}

PartPlan plan_text(const imap::MessageRow& head, const TextLimits& limits) {
  PartPlan plan;
  const std::uint64_t size = head.size.value_or(UINT64_MAX);
  if (head.structure) {
    Walk walk{limits, plan, 0, limits.all_text};
    walk.part(*head.structure, true);
    const bool small = size <= limits.text_part;
    if (walk.usable && !(walk.all_shown && small)) return plan;
    if (walk.all_shown && small) return {true, false, {{"TEXT", std::nullopt, 0}}};
  }
  PartPlan whole{true, size > limits.text_part, {{"TEXT", std::nullopt, 0}}};
  if (whole.cut) whole.wants.front().limit = limits.text_part;
  return whole;
}

mime::Message assemble(const imap::MessageRow& head, const PartPlan& plan, const imap::MessageRow& parts) {
  std::string raw;
  if (const imap::Section* header = head.section("HEADER")) raw = header->bytes;
  if (!raw.ends_with("\r\n\r\n") && raw != "\r\n")
    raw += raw.ends_with("\r\n") || raw.empty() ? "\r\n" : "\r\n\r\n";
  if (plan.plain) {
    if (const imap::Section* text = parts.section("TEXT")) raw += text->bytes;
  } else if (head.structure) {
    put(*head.structure, true, parts, raw);
  }
  mime::Message m = mime::parse(raw);
  if (!plan.plain && head.structure)
    for (mime::Attachment& a : m.attachments)
      if (const BodyPart* p = find_part(*head.structure, a.part); p && !parts.section(a.part)) {
        a.size = decoded_size(*p);
        a.size_estimated = true;
        a.sha256.reset();
      }
  if (head.size) m.size = *head.size;
  if (plan.cut) {
    m.truncated = true;
    m.warnings.push_back({"text_cut", "only the beginning of a long text was fetched"});
  }
  return m;
}

}  // namespace mailroom::read
