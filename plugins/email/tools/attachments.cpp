#include "tools/attachments.hpp"

#include "host/files.hpp"
#include "mime/ascii.hpp"
#include "tools/base64.hpp"

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

}  // namespace

std::vector<mime::DraftAttachment> attachments_of(const Toolbox& box, const aoh::Json& args,
                                                  const aoh::Call& call) {
  std::vector<mime::DraftAttachment> out;
  std::size_t left = box.runtime.config().max_message_bytes;
  const aoh::Json::Array& items = args["attachments"].items();
  for (std::size_t i = 0; i < items.size(); ++i) {
    const aoh::Json& a = items[i];
    const std::string field = "attachments[" + std::to_string(i) + "]";
    if (a.has("blob") + a.has("base64") + a.has("path") != 1)
      throw Failure(Errc::invalid, "an attachment needs exactly one of blob, base64 and path", field);
    mime::DraftAttachment d;
    d.filename = a["filename"].str();
    d.mime_type = a["mime_type"].str();
    d.content_id = a["content_id"].str();
    d.is_inline = a["inline"].boolean();
    if (a.has("blob")) {
      d.bytes = box.runtime.services().blob(a["blob"].str(), call.id(), left);
      const aoh::Json info = box.runtime.services().blobs.stat(a["blob"].str(), call.id());
      if (d.filename.empty()) d.filename = info["filename"].str();
      if (d.mime_type.empty()) d.mime_type = info["mime_type"].str();
    } else if (a.has("base64")) {
      d.bytes = decode_base64(a["base64"].str(), field + ".base64");
    } else {
      const std::string& path = a["path"].str();
      const std::string& root = box.runtime.config().files_root;
      if (!call.from_operator() && root.empty())
        throw Failure(Errc::refused, "files by path are not open to agents", field + ".path",
                      "Use a blob, or let the operator set files_root");
      d.bytes = host::read_file(path, call.from_operator() ? std::string() : root, left);
      if (d.filename.empty()) d.filename = path.substr(path.rfind('/') + 1);
    }
    if (d.bytes.size() > left)
      throw Failure(Errc::limit,
                    "the attachments have more than " +
                        std::to_string(box.runtime.config().max_message_bytes) + " bytes",
                    field);
    left -= d.bytes.size();
    if (d.filename.empty()) d.filename = "attachment";
    if (d.mime_type.empty()) d.mime_type = type_by_name(d.filename);
    out.push_back(std::move(d));
  }
  return out;
}

}  // namespace mailroom::tools
