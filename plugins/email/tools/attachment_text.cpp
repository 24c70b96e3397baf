#include "tools/attachment_text.hpp"

#include <algorithm>

#include "aoh/sdk/knowledge.hpp"
#include "mime/ascii.hpp"
#include "mime/json.hpp"
#include "mime/parse.hpp"

namespace mailroom::tools {
namespace {

constexpr std::size_t kWindow = 64u << 10;

AttachmentText held(std::string text, aoh::Json warnings = {}) {
  auto bytes = std::make_shared<const std::string>(std::move(text));
  AttachmentText t;
  t.size = bytes->size();
  t.read = [bytes](std::uint64_t offset, std::size_t n) {
    return bytes->substr(std::min<std::uint64_t>(offset, bytes->size()), n);
  };
  t.warnings = std::move(warnings);
  return t;
}

aoh::Json warnings_of(const mime::Message& m) {
  if (m.warnings.empty()) return {};
  aoh::Json out = aoh::Json::array();
  for (const mime::Warning& w : m.warnings) out.push(aoh::Json{{"code", w.code}, {"detail", w.detail}});
  return out;
}

/// As a message of this one part, so that what a reader would not see stays out here, too.
AttachmentText as_message(const mime::DraftAttachment& file, const char* type) {
  std::string charset;
  for (const char c : file.charset)
    if (mime::is_alpha(c) || mime::is_digit(c) || c == '-' || c == '_') charset += c;
  std::string raw =
      "MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\nContent-Type: " + std::string(type);
  if (!charset.empty()) raw += "; charset=" + charset;
  mime::ParseLimits limits;
  limits.max_text_bytes = 16u << 20;
  const mime::Message m = mime::parse(raw + "\r\n\r\n" + file.bytes, limits);
  const bool calendar = std::string_view(type) == "text/calendar";
  AttachmentText t =
      held(calendar ? mime::to_utf8_text(file.bytes, file.charset) : m.text.value_or(""), warnings_of(m));
  if (calendar) t.calendar = mime::to_json(m)["calendar"];
  t.truncated = m.truncated;
  return t;
}

std::string people(const char* label, const std::vector<mime::Address>& list) {
  std::string out;
  for (const mime::Address& a : list)
    out += (out.empty() ? std::string(label) + ": " : ", ") +
           (a.name.empty() ? a.address : a.name + " <" + a.address + ">");
  return out.empty() ? out : out + "\n";
}

AttachmentText of_message(const std::string& bytes) {
  const mime::Message m = mime::parse(bytes);
  std::string out = people("From", m.from) + people("To", m.to) + people("Cc", m.cc);
  if (m.date) out += "Date: " + *m.date + "\n";
  if (m.subject) out += "Subject: " + *m.subject + "\n";
  for (const mime::Attachment& a : m.attachments)
    out += "Attached: " + a.filename.value_or("(no name)") + " (" + a.mime_type + ")\n";
  AttachmentText t = held(out + "\n" + m.text.value_or(""), warnings_of(m));
  t.truncated = m.truncated;
  return t;
}

}  // namespace

AttachmentText text_of(const mime::DraftAttachment& file, const std::string& mime_type) {
  if (mime_type == "text/html") return as_message(file, "text/html");
  if (mime_type == "text/plain") return as_message(file, "text/plain");
  if (mime_type == "text/calendar") return as_message(file, "text/calendar");
  if (mime_type == "message/rfc822") return of_message(file.bytes);
  return held(mime::to_utf8_text(file.bytes, file.charset));
}

AttachmentText extracted(const host::Services& services, const aoh::Call& call, const aoh::Json& blob,
                         const std::string& filename, const std::string& mime_type) {
  const char* const kCure =
      "Load a module that reads such files (documents), or take the attachment as a blob";
  if (!services.extraction)
    throw Failure(Errc::unsupported, "the host reads no files of type " + printable(mime_type, 100),
                  AOH_EXTRACT_ID, kCure);
  aoh::Json result;
  try {
    const aoh::Json request{{"mime_type", mime_type}, {"filename", filename}};
    result = services.extraction.extract(blob["id"].str(), call.id(), request);
  } catch (const aoh::StatusError& e) {
    if (e.status == AOH_E_UNSUPPORTED)
      throw Failure(Errc::unsupported, "no module here reads files of type " + printable(mime_type, 100),
                    AOH_EXTRACT_ID, kCure);
    if (e.status == AOH_E_INVALID)
      throw Failure(Errc::unsupported, "the file's text cannot be read: " + printable(e.what(), 300),
                    printable(filename, 200), "Take it as a blob");
    if (e.status == AOH_E_INTERNAL)  // the reader's defect, the same each time; the host's disk is AOH_E_BUSY
      throw Failure(Errc::internal, "reading the file's text failed: " + printable(e.what(), 300),
                    printable(filename, 200), "Take it as a blob");
    throw Failure(host::from_status(e.status, "reading the file's text failed", printable(filename, 200)));
  }
  AttachmentText t;
  t.size = static_cast<std::uint64_t>(std::max<std::int64_t>(0, result["size"].integer()));
  t.read = [&services, id = result["blob"].str(), bearer = call.id()](std::uint64_t offset, std::size_t n) {
    return services.blobs.read(id, bearer, offset, n);
  };
  t.by = result["extractor"].str();
  t.warnings = result["warnings"];
  t.truncated = result["truncated"].boolean();
  return t;
}

std::string put_text(const AttachmentText& t, std::size_t offset, aoh::Json& json) {
  const std::uint64_t from = std::min<std::uint64_t>(offset, t.size);
  std::string text = t.size > from ? t.read(from, kWindow + 4) : std::string();
  text = std::string(aoh::utf8_prefix(text, kWindow));
  const std::uint64_t end = from + text.size();
  json.set("text", aoh::valid_utf8(text)).set("text_size", t.size);
  json.set_if(t.warnings.is_array() && !t.warnings.empty(), "warnings", t.warnings);
  json.set_if(!t.by.empty(), "extractor", t.by);
  json.set_if(t.calendar.is_array() && !t.calendar.empty(), "calendar", t.calendar);
  std::string notice;
  if (end < t.size) {
    json.set("truncated", aoh::Json{{"offset", from}, {"shown", text.size()}, {"total", t.size}});
    notice = "Shown: bytes " + std::to_string(from) + " to " + std::to_string(end) + " of " +
             std::to_string(t.size) + "; call again with text_offset " + std::to_string(end) + ". ";
  }
  if (t.truncated) notice += "The file has more text than is read of one. ";
  return notice;
}

}  // namespace mailroom::tools
