#include "mime/part_info.hpp"

#include <array>

#include "mime/ascii.hpp"
#include "mime/headers.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

// "(comment) base64": without what may stand around the value.
std::string_view bare(std::string_view value) {
  value = trim(value);
  while (value.starts_with('(')) {
    const std::size_t end = value.find(')');
    if (end == value.npos) break;
    value = trim(value.substr(end + 1));
  }
  return value;
}

struct Kind {
  std::string_view type, kind;
};
constexpr std::array kKinds = std::to_array<Kind>({
    {"message/rfc822", "message"},
    {"message/global", "message"},
    {"message/news", "message"},
    {"message/delivery-status", "delivery-status"},
    {"message/global-delivery-status", "delivery-status"},
    {"message/disposition-notification", "read-receipt"},
    {"message/feedback-report", "abuse-report"},
    {"message/external-body", "external"},
    {"message/partial", "partial"},
    {"text/rfc822-headers", "headers"},
    {"text/calendar", "calendar"},
    {"application/ics", "calendar"},
    {"application/ms-tnef", "tnef"},
    {"application/vnd.ms-tnef", "tnef"},
    {"application/pkcs7-signature", "smime-signature"},
    {"application/x-pkcs7-signature", "smime-signature"},
    {"application/pgp-encrypted", "pgp-control"},
    {"application/pgp-signature", "pgp-signature"},
    {"application/pgp-keys", "pgp-key"},
});

}  // namespace

PartInfo part_info(const EntitySpan& entity, const ParseLimits& limits) {
  PartInfo info;
  const auto disposition =
      parse_structured(unfold(entity.field("content-disposition"), limits.max_field_bytes, nullptr));
  info.disposition = aoh::utf8_prefix(disposition.value, 100);
  const std::string* filename = disposition.find("filename");
  const std::string* name = entity.content_type.find("name");
  if (filename && !filename->empty())
    info.filename = *filename;
  else if (name && !name->empty())
    info.filename = *name;
  info.names_differ = filename && name && *filename != *name && !filename->empty() && !name->empty();
  for (const auto& again : disposition.repeated) info.names_differ |= again.name == "filename";
  for (const auto& again : entity.content_type.repeated) info.names_differ |= again.name == "name";
  info.name_broken = disposition.gap || entity.content_type.gap;
  info.name_control = disposition.control || entity.content_type.control;
  for (const char* const field : {"content-disposition", "content-type"})
    info.name_control |= info.filename && entity.field(field).find('\0') != std::string_view::npos;
  if (const std::string* charset = entity.content_type.find("charset"))
    info.charset = aoh::utf8_prefix(*charset, 100);
  info.encoding = transfer_of(bare(unfold(entity.field("content-transfer-encoding"), 200, nullptr)));
  const auto ids = parse_ids(unfold(entity.field("content-id"), limits.max_field_bytes, nullptr));
  if (!ids.empty()) info.content_id = ids.front();
  const std::string* format = entity.content_type.find("format");
  const std::string* delsp = entity.content_type.find("delsp");
  info.flowed = format && iequals(*format, "flowed");
  info.delsp = delsp && iequals(*delsp, "yes");
  return info;
}

std::string kind_of(const EntitySpan& entity, const EntitySpan& parent, const PartInfo& info) {
  for (const auto& known : kKinds)
    if (entity.type == known.type) return std::string(known.kind);
  if (info.filename && iequals(*info.filename, "winmail.dat")) return "tnef";
  if (parent.type == "multipart/encrypted" && !entity.first_child) return "pgp-encrypted";
  if (entity.type == "application/pkcs7-mime" || entity.type == "application/x-pkcs7-mime") {
    const std::string* said = entity.content_type.find("smime-type");
    const std::string type = said ? to_lower(*said) : std::string();
    if (type == "enveloped-data" || type == "authenveloped-data") return "smime-encrypted";
    if (type == "signed-data") return "smime-signed";
    if (type == "certs-only") return "smime-certificates";
    if (type == "compressed-data") return "smime-compressed";
    return "smime";
  }
  return {};
}

}  // namespace mailroom::mime
