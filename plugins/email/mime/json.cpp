#include "mime/json.hpp"

#include <algorithm>

#include "mime/calendar.hpp"

namespace mailroom::mime {
namespace {

using aoh::Json;

Json address_json(const Address& a) {
  Json json = Json::object();
  json.set_if(!a.name.empty(), "name", a.name);
  json.set_if(!a.address.empty(), "address", a.address);
  json.set_if(!a.group.empty(), "group", a.group);
  return json;
}

class Renderer {
 public:
  Renderer(const Message& message, const RenderOptions& options) : m_(message), o_(options) {}

  Json run() {
    out_ = Json::object();
    if (m_.message_id) out_.set("message_id", *m_.message_id);
    if (m_.date) out_.set("date", *m_.date);
    addresses("from", m_.from);
    addresses("sender", m_.sender);
    addresses("to", m_.to);
    addresses("cc", m_.cc);
    addresses("bcc", m_.bcc);
    addresses("reply_to", m_.reply_to);
    if (m_.subject) out_.set("subject", *m_.subject);
    // In-Reply-To names one message but for odd senders; programs get the first, `references` has the rest.
    if (!m_.in_reply_to.empty()) out_.set("in_reply_to", m_.in_reply_to.front());
    strings("references", m_.references);
    if (o_.format != Format::summary && m_.text) window("text", *m_.text);
    if (o_.format == Format::full && m_.html) window("html", *m_.html);
    attachments();
    calendar();
    if (o_.headers) headers();
    out_.set("size", m_.size);
    if (m_.truncated) cut_.set("limits", true);
    if (cut_.size()) out_.set("truncated", std::move(cut_));
    if (!m_.warnings.empty()) {
      Json list = Json::array();
      for (const auto& w : m_.warnings) list.push(Json{{"code", w.code}, {"detail", w.detail}});
      out_.set("warnings", std::move(list));
    }
    out_.set("untrusted", true);
    return std::move(out_);
  }

 private:
  void shown(const char* what, std::size_t part, std::size_t total) {
    cut_.set(what, Json{{"shown", part}, {"total", total}});
  }

  void addresses(const char* key, const std::vector<Address>& list) {
    if (list.empty()) return;
    Json json = Json::array();
    const std::size_t count = std::min(list.size(), o_.max_addresses);
    for (std::size_t i = 0; i < count; ++i) json.push(address_json(list[i]));
    out_.set(key, std::move(json));
    if (count < list.size()) shown(key, count, list.size());
  }

  void strings(const char* key, const std::vector<std::string>& list) {
    if (list.empty()) return;
    Json json = Json::array();
    for (const auto& s : list) json.push(s);
    out_.set(key, std::move(json));
  }

  void window(const char* key, std::string_view text) {
    const std::string_view before = aoh::utf8_prefix(text, o_.text_offset);
    const std::string_view part = aoh::utf8_prefix(text.substr(before.size()), o_.max_text_bytes);
    out_.set(key, part);
    if (part.size() < text.size())
      cut_.set(key, Json{{"offset", before.size()}, {"shown", part.size()}, {"total", text.size()}});
  }

  void attachments() {
    if (m_.attachments.empty()) return;
    Json list = Json::array();
    const std::size_t count = std::min(m_.attachments.size(), o_.max_attachments);
    for (std::size_t i = 0; i < count; ++i) list.push(attachment(m_.attachments[i]));
    out_.set("attachments", std::move(list));
    if (count < m_.attachments.size()) shown("attachments", count, m_.attachments.size());
  }

  Json attachment(const Attachment& a) const {
    Json json = Json::object();
    json.set_if(!a.part.empty(), "part", a.part);
    if (a.filename) json.set("filename", *a.filename);
    json.set("mime_type", a.mime_type).set("size", a.size);
    json.set_if(a.size_estimated, "size_estimated", true);
    json.set_if(!a.disposition.empty(), "disposition", a.disposition);
    json.set_if(!a.content_id.empty(), "content_id", a.content_id);
    json.set_if(!a.charset.empty(), "charset", a.charset);
    json.set_if(!a.kind.empty(), "kind", a.kind);
    if (a.sha256) json.set("sha256", *a.sha256);
    if (a.message) json.set("message", attached_message(*a.message));
    if (!a.contents.empty()) {
      Json inside = Json::array();
      const std::size_t count = std::min(a.contents.size(), o_.max_attachments);
      for (std::size_t i = 0; i < count; ++i) inside.push(attachment(a.contents[i]));
      json.set("contents", std::move(inside));
    }
    return json;
  }

  Json attached_message(const AttachedMessage& m) const {
    Json json = Json::object();
    if (m.message_id) json.set("message_id", *m.message_id);
    if (m.date) json.set("date", *m.date);
    if (m.subject) json.set("subject", *m.subject);
    const auto people = [&](const char* key, const std::vector<Address>& list) {
      if (list.empty()) return;
      Json all = Json::array();
      for (std::size_t i = 0; i < std::min(list.size(), o_.max_addresses); ++i)
        all.push(address_json(list[i]));
      json.set(key, std::move(all));
    };
    people("from", m.from);
    people("to", m.to);
    return json;
  }

  void calendar() {
    if (m_.calendar.empty()) return;
    Json list = Json::array();
    for (const auto& item : m_.calendar) list.push(calendar_json(item, o_.max_addresses));
    out_.set("calendar", std::move(list));
  }

  void headers() {
    Json list = Json::array();
    std::size_t room = o_.max_header_bytes;
    std::size_t count = 0;
    for (const auto& h : m_.headers) {
      if (h.name.size() + h.value.size() > room) break;
      room -= h.name.size() + h.value.size();
      list.push(Json{{"name", h.name}, {"value", h.value}});
      ++count;
    }
    out_.set("headers", std::move(list));
    if (count < m_.headers.size()) shown("headers", count, m_.headers.size());
  }

  const Message& m_;
  const RenderOptions& o_;
  Json out_;
  Json cut_ = Json::object();
};

}  // namespace

Json to_json(const Message& message, const RenderOptions& options) {
  return Renderer(message, options).run();
}

}  // namespace mailroom::mime
