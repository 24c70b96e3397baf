#include "mime/inner.hpp"

#include <algorithm>
#include <array>

#include "mime/address_look.hpp"
#include "mime/ascii.hpp"
#include "mime/codec.hpp"
#include "mime/fields.hpp"
#include "mime/smime.hpp"
#include "mime/tnef.hpp"

namespace mailroom::mime {
namespace {

constexpr int kMaxLevels = 8;  // containers in containers that decode_part() goes through
constexpr int kMaxOpaque = 3;  // opaque signatures within each other whose text is shown

void list_message(std::string_view raw, const Looking& at, Attachment& a) {
  const Scan scanned = scan(raw, at.limits);
  Message head;
  Warnings told(head);
  read_fields(scanned.entities.front(), at.limits, {}, head, told);
  for (const Warning& w : head.warnings)
    at.warnings.add(w.code, "in the message that is part " + a.part + ": " + w.detail);
  a.message = AttachedMessage{head.subject, head.date, head.message_id, head.from, head.to};
  for (const auto& entity : scanned.entities) {
    if (entity.multipart || a.contents.size() >= at.most) continue;
    const PartInfo info = part_info(entity, at.limits);
    Attachment inner;
    inner.part = a.part + '.' + entity.number;
    inner.filename = info.filename;
    if (inner.filename) clean(*inner.filename, false, at.warnings);
    inner.mime_type = entity.type;
    inner.kind = kind_of(entity, scanned.entities[entity.parent], info);
    inner.disposition = info.disposition;
    mark_invisible(inner.disposition, "Content-Disposition", at.warnings);
    inner.size = info.encoding == Transfer::base64 ? entity.body.size() / 4 * 3 : entity.body.size();
    inner.size_estimated = info.encoding != Transfer::identity;
    if (entity.type.starts_with("text/")) inner.charset = info.charset;
    mark_invisible(inner.charset, "charset", at.warnings);
    a.contents.push_back(std::move(inner));
  }
}

std::string type_by_name(const TnefFile& file) {
  return file.is_message          ? "application/ms-tnef"
         : file.mime_type.empty() ? "application/octet-stream"
                                  : file.mime_type;
}

InnerBody list_tnef(std::string_view bytes, const Looking& at, Attachment& a) {
  auto tnef = parse_tnef(bytes, at.limits.max_text_bytes);
  if (!tnef) {
    at.warnings.add("tnef_damaged", "winmail.dat cannot be read");
    return {};
  }
  if (tnef->damaged)
    at.warnings.add("tnef_damaged", "winmail.dat is damaged: something of it may be missing");
  for (std::size_t i = 0; i < tnef->files.size() && i < at.most; ++i) {
    const TnefFile& file = tnef->files[i];
    Attachment inner;
    inner.part = a.part + ".tnef." + std::to_string(i + 1);
    if (!file.filename.empty()) clean(inner.filename.emplace(file.filename), false, at.warnings);
    inner.mime_type = type_by_name(file);
    inner.kind = file.is_message ? "tnef" : "";
    inner.size = file.bytes.size();
    inner.content_id = file.content_id;
    for (std::string* value : {&inner.mime_type, &inner.content_id})
      mark_invisible(*value, "winmail.dat", at.warnings);
    inner.disposition = "attachment";
    a.contents.push_back(std::move(inner));
  }
  return {std::move(tnef->text), std::move(tnef->html)};
}

InnerBody list_smime(std::string_view der, const Looking& at, Attachment& a) {
  if (const std::string kind = cms_kind(der); !kind.empty()) a.kind = kind;
  if (a.kind == "smime-encrypted") {
    at.warnings.add("encrypted", "the content is encrypted with S/MIME: it cannot be read here");
    return {};
  }
  const auto content = at.level < kMaxOpaque ? cms_signed_content(der) : std::nullopt;
  if (!content) return {};
  at.warnings.add("signature_unverified",
                  "the text was taken out of an S/MIME signature that was not verified");
  Message inner = parse_at(*content, at.limits, at.level + 1);
  for (auto& w : inner.warnings) at.warnings.add(w.code, w.detail);
  for (auto& file : inner.attachments) {
    if (a.contents.size() >= at.most) break;
    file.part = a.part + ".smime." + file.part;
    file.contents.clear();  // one level
    a.contents.push_back(std::move(file));
  }
  if (inner.text_from_html) inner.text.reset();
  return {std::move(inner.text), std::move(inner.html)};
}

std::optional<DecodedPart> decoded(const EntitySpan& entity, const PartInfo& info) {
  DecodedPart part;
  DecodedBytes out(part.bytes);
  decode_transfer(entity.body, info.encoding, out, part.broken);
  part.mime_type = entity.type;
  part.charset = info.charset;
  part.filename = info.filename;
  return part;
}

// "3" of "3.tnef.1"; 0 when there is no number.
std::size_t take_number(std::string_view& path) {
  std::size_t n = 0, at = 0;
  for (; at < path.size() && at < 4 && is_digit(path[at]); ++at)
    n = n * 10 + static_cast<std::size_t>(path[at] - '0');
  if (at < path.size() && path[at] != '.') return 0;
  path.remove_prefix(std::min(at + 1, path.size()));
  return n;
}

// "tnef.2", "tnef.1.tnef.3".
std::optional<DecodedPart> from_tnef(std::string_view bytes, std::string_view path) {
  for (int level = 0; level < kMaxLevels && path.starts_with("tnef."); ++level) {
    path.remove_prefix(5);
    const std::size_t number = take_number(path);
    const auto tnef = parse_tnef(bytes, 0);
    if (!tnef || number == 0 || number > tnef->files.size()) return {};
    const TnefFile& file = tnef->files[number - 1];
    if (path.empty()) {
      DecodedPart part;
      part.bytes = file.bytes;
      part.mime_type = type_by_name(file);
      if (!file.filename.empty()) part.filename = file.filename;
      part.broken = tnef->damaged;
      return part;
    }
    bytes = file.bytes;
  }
  return {};
}

}  // namespace

PartBytes::PartBytes(std::string_view body, Transfer encoding) : view_(body) {
  if (encoding == Transfer::identity) return;
  DecodedBytes out(held_);
  decode_transfer(body, encoding, out, broken_);
  view_ = held_;
}

InnerBody read_inner(std::string_view body, Transfer encoding, const Looking& at, Attachment& a) {
  const bool smime = a.kind.starts_with("smime") && a.kind != "smime-signature";
  if (a.kind != "message" && a.kind != "tnef" && !smime) return {};
  if (trim(body.substr(0, 100)).empty()) return {};  // not fetched, or nothing in it
  if (body.size() > kMaxInnerBytes && !(a.kind == "message" && encoding == Transfer::identity)) {
    at.warnings.add("limit_inner", "part " + a.part + " is too large to be looked into");
    return {};
  }
  const PartBytes bytes(body, encoding);
  if (smime) return list_smime(bytes.view(), at, a);
  if (a.kind == "tnef") return list_tnef(bytes.view(), at, a);
  list_message(bytes.view(), at, a);
  return {};
}

bool stream_part(std::string_view raw, std::string_view part_number,
                 const std::function<void(std::string_view)>& block, const ParseLimits& limits) {
  const Scan scanned = scan(raw, limits);
  for (const auto& entity : scanned.entities) {
    if (entity.multipart || entity.number.empty() || entity.number != part_number) continue;
    std::string scratch;
    bool broken = false;
    DecodedBytes out(scratch, block);
    decode_transfer(entity.body, part_info(entity, limits).encoding, out, broken);
    out.flush();
    return true;
  }
  return false;
}

std::optional<DecodedPart> decode_part(std::string_view raw, std::string_view part_number,
                                       const ParseLimits& limits) {
  std::string held;  // of the container that is being looked into
  for (int level = 0; level < kMaxLevels; ++level) {
    const Scan scanned = scan(raw, limits);
    const EntitySpan* container = nullptr;
    for (const auto& entity : scanned.entities) {
      if (entity.multipart || entity.number.empty()) continue;
      if (entity.number == part_number) return decoded(entity, part_info(entity, limits));
      if (part_number.starts_with(entity.number + '.')) container = &entity;
    }
    if (!container) return {};
    const PartInfo info = part_info(*container, limits);
    const std::string kind = kind_of(*container, scanned.entities[container->parent], info);
    part_number.remove_prefix(container->number.size() + 1);
    if (info.encoding != Transfer::identity && container->body.size() > kMaxInnerBytes) return {};
    PartBytes bytes(container->body, info.encoding);
    if (kind == "tnef") return from_tnef(bytes.view(), part_number);
    if (kind.starts_with("smime") && part_number.starts_with("smime.")) {
      auto content = cms_signed_content(bytes.view());
      if (!content) return {};
      held = std::move(*content);
      raw = held;
      part_number.remove_prefix(6);
    } else if (kind == "message") {
      if (info.encoding == Transfer::identity) {
        raw = container->body;
      } else {
        held = std::string(bytes.view());
        raw = held;
      }
    } else {
      return {};
    }
  }
  return {};
}

}  // namespace mailroom::mime
