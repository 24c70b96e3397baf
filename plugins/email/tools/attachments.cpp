#include "tools/attachments.hpp"

#include <algorithm>

#include "host/files.hpp"
#include "mime/ascii.hpp"
#include "tools/base64.hpp"
#include "tools/original.hpp"

namespace mailroom::tools {
namespace {

// What is mailed most; all else is application/octet-stream.
std::string type_by_name(std::string_view name) {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {"csv", "text/csv"},
      {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
      {"gif", "image/gif"},
      {"htm", "text/html"},
      {"html", "text/html"},
      {"ics", "text/calendar"},
      {"jpeg", "image/jpeg"},
      {"jpg", "image/jpeg"},
      {"json", "application/json"},
      {"md", "text/markdown"},
      {"pdf", "application/pdf"},
      {"png", "image/png"},
      {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
      {"svg", "image/svg+xml"},
      {"txt", "text/plain"},
      {"webp", "image/webp"},
      {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
      {"xml", "application/xml"},
      {"zip", "application/zip"}};
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos) return {};
  const std::string ending = mime::to_lower(name.substr(dot + 1));
  for (const auto& [known, type] : kTypes)
    if (known == ending) return std::string(type);
  return {};
}

aoh::Json info_of(const Toolbox& box, const std::string& blob, const aoh::Call& call,
                  const std::string& field) {
  try {
    return box.runtime.services().blobs.stat(blob, call.id());
  } catch (const aoh::StatusError& e) {
    if (e.status != AOH_E_NOT_FOUND) throw;
    throw Failure(Errc::not_found, "there is no such blob: \"" + printable(blob, 64) + "\"", field,
                  "Name one of this session, as the tool that made it told");
  }
}

}  // namespace

std::string root_for(const Toolbox& box, const aoh::Call& call) {
  return call.from_operator() ? std::string() : box.runtime.config().files_root;
}

std::vector<AttachmentSource> attachment_sources(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                                                 const host::Account& account) {
  std::vector<AttachmentSource> out;
  const aoh::Json::Array& items = args["attachments"].items();
  for (std::size_t i = 0; i < items.size(); ++i) {
    const aoh::Json& a = items[i];
    AttachmentSource s;
    s.field = "attachments[" + std::to_string(i) + "]";
    if (a.has("blob") + a.has("base64") + a.has("path") + a.has("message") != 1)
      throw Failure(Errc::invalid, "an attachment needs exactly one of blob, base64, path and message",
                    s.field, "Say with one of them where its bytes come from");
    if (a.has("message"))
      s.head = part_of(box, call, account, a["message"], box.runtime.config().max_message_bytes);
    if (!a["filename"].str().empty()) s.head.filename = a["filename"].str();
    if (!a["mime_type"].str().empty()) s.head.mime_type = a["mime_type"].str();
    if (!a["content_id"].str().empty()) s.head.content_id = a["content_id"].str();
    s.head.is_inline = a["inline"].boolean();
    if (a.has("blob")) {
      s.blob = a["blob"].str();
      const aoh::Json info = info_of(box, s.blob, call, s.field + ".blob");
      s.size = static_cast<std::uint64_t>(info["size"].integer());
      if (s.head.filename.empty()) s.head.filename = info["filename"].str();
      if (s.head.mime_type.empty()) s.head.mime_type = info["mime_type"].str();
    } else if (a.has("path")) {
      s.path = a["path"].str();
      if (!call.from_operator() && root_for(box, call).empty())
        throw Failure(Errc::refused, "files by path are not open to agents", s.field + ".path",
                      "Use a blob, or let the operator set files_root");
      s.size = host::OpenFile(s.path, root_for(box, call)).size();
      if (s.head.filename.empty()) s.head.filename = s.path.substr(s.path.rfind('/') + 1);
    } else {
      if (a.has("base64")) s.head.bytes = decode_base64(a["base64"].str(), s.field + ".base64");
      s.size = s.head.bytes.size();
    }
    if (s.head.filename.empty()) s.head.filename = "attachment";
    if (s.head.mime_type.empty()) s.head.mime_type = type_by_name(s.head.filename);
    out.push_back(std::move(s));
  }
  return out;
}

mime::DraftAttachment read_attachment(const Toolbox& box, AttachmentSource s, const aoh::Call& call,
                                      std::size_t max_bytes) {
  if (s.size > max_bytes)
    throw Failure(
        Errc::limit,
        "the attachments have more than " + std::to_string(box.runtime.config().max_message_bytes) + " bytes",
        s.field, "Send less, or have the operator set link_store, so that large files go as links");
  if (!s.blob.empty()) s.head.bytes = box.runtime.services().blob(s.blob, call.id(), max_bytes);
  if (!s.path.empty()) s.head.bytes = host::read_file(s.path, root_for(box, call), max_bytes);
  return std::move(s.head);
}

std::vector<mime::DraftAttachment> attachments_of(const Toolbox& box, const aoh::Json& args, aoh::Call& call,
                                                  const host::Account& account) {
  std::vector<mime::DraftAttachment> out;
  std::size_t left = box.runtime.config().max_message_bytes;
  for (AttachmentSource& s : attachment_sources(box, args, call, account)) {
    out.push_back(read_attachment(box, std::move(s), call, left));
    left -= std::min(left, out.back().bytes.size());
  }
  return out;
}

}  // namespace mailroom::tools
