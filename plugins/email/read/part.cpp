#include "read/part.hpp"

#include "mime/parse.hpp"
#include "read/part_plan.hpp"
#include "read/reader.hpp"

namespace mailroom::read {
namespace {

Failure gone(imap::Uid uid) {
  return {Errc::not_found, "the message is gone", "message UID " + std::to_string(uid)};
}

}  // namespace

net::Task<mime::DraftAttachment> fetch_part(imap::Client& client, const imap::MessageRow& head,
                                            std::string number, std::size_t max_bytes) {
  const std::string where = "message UID " + std::to_string(head.uid) + ", part " + printable(number, 60);
  if (!head.structure)
    throw Failure(Errc::unsupported, "the server does not tell which parts the message has", where,
                  "Forward it whole, as an attachment");
  const imap::BodyPart* part = find_part(*head.structure, number);
  std::string inner;  // "2.tnef.1" lies within part 2, which is fetched
  for (std::size_t dot = number.rfind('.'); !part && dot != number.npos && dot > 0;
       dot = number.rfind('.', dot - 1))
    if ((part = find_part(*head.structure, std::string_view(number).substr(0, dot)))) {
      inner = number.substr(dot);
      number.resize(dot);
    }
  const Failure none(Errc::not_found, "the message has no such part", where,
                     "email_fetch tells its attachments' parts");
  if (!part) throw none;
  if (part->size > max_bytes)
    throw Failure(
        Errc::limit,
        "the part has " + std::to_string(part->size) + " bytes, more than " + std::to_string(max_bytes),
        where);
  const bool single = head.structure->type != "multipart";
  imap::FetchItems items;
  items.flags = items.object_ids = false;
  items.sections.push_back({number, std::nullopt, 0});
  if (!single) items.sections.push_back({number + ".MIME", 64u << 10, 0});
  const std::optional<imap::MessageRow> row = co_await fetch_one(client, head.uid, items);
  const imap::Section* body = row ? row->section(number) : nullptr;
  if (!body) throw gone(head.uid);
  const imap::Section* header = single ? head.section("HEADER") : row->section(number + ".MIME");
  // The part by itself, as a message of one part: read by the parser that reads whole ones.
  std::string raw = header ? header->bytes : std::string();
  if (!raw.ends_with("\r\n\r\n")) raw += raw.empty() || raw.ends_with("\r\n") ? "\r\n" : "\r\n\r\n";
  raw += body->bytes;
  std::optional<mime::DecodedPart> decoded = mime::decode_part(raw, "1" + inner);
  if (!decoded && !inner.empty()) throw none;
  if (!decoded) decoded = mime::decode_body(body->bytes, part->encoding);
  mime::DraftAttachment out;
  out.bytes = std::move(decoded->bytes);
  out.mime_type = inner.empty() ? part->type + "/" + part->subtype : decoded->mime_type;
  out.charset = std::move(decoded->charset);
  if (decoded->filename) out.filename = *decoded->filename;
  if (out.filename.empty()) out.filename = part->type == "message" ? "message.eml" : "attachment";
  // Written by a stranger; what goes out must be safe on any system.
  out.filename = mime::safe_filename(out.filename);
  out.is_inline = inner.empty() && part->disposition == "inline" && !part->id.empty();
  std::string_view id = part->id;
  if (id.starts_with('<') && id.ends_with('>') && id.size() > 2) id = id.substr(1, id.size() - 2);
  if (out.is_inline) out.content_id = id;
  co_return out;
}

net::Task<std::string> fetch_whole(imap::Client& client, imap::Uid uid, std::size_t max_bytes) {
  imap::FetchItems size;
  size.size = true;
  size.flags = size.object_ids = false;
  const std::optional<imap::MessageRow> head = co_await fetch_one(client, uid, size);
  if (!head) throw gone(uid);
  if (head->size.value_or(0) > max_bytes)
    throw Failure(
        Errc::limit,
        "the message has " + std::to_string(*head->size) + " bytes, more than " + std::to_string(max_bytes),
        "message UID " + std::to_string(uid));
  imap::FetchItems items;
  items.flags = items.object_ids = false;
  items.sections = {{"", std::nullopt, 0}};
  const std::optional<imap::MessageRow> row = co_await fetch_one(client, uid, items);
  const imap::Section* whole = row ? row->section("") : nullptr;
  if (!whole) throw gone(uid);
  co_return whole->bytes;
}

}  // namespace mailroom::read
