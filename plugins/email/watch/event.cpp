#include "watch/event.hpp"

#include <openssl/evp.h>

#include "mime/json.hpp"
#include "read/reader.hpp"

namespace mailroom::watch {
namespace {

std::string sha256(std::string_view bytes) {
  std::string out(32, '\0');
  unsigned n = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(out.data()), &n, EVP_sha256(),
                 nullptr) != 1)
    throw Failure(Errc::internal, "SHA-256 is not available");
  return out;
}

std::string hex(std::string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

}  // namespace

std::string digest_of(const imap::MessageRow& head) {
  const imap::Section* header = head.section("HEADER");
  std::string text = header ? header->bytes : std::string();
  // The instant, not the text: a server may tell it in another time zone the next time.
  text += '\0' + std::to_string(head.size.value_or(0)) + '\0' +
          (head.internal_date_s ? std::to_string(*head.internal_date_s) : head.internal_date);
  return sha256(text);
}

std::string dedupe_key(const Source& source, std::uint32_t uid_validity, const imap::MessageRow& row) {
  std::string key = source.credential_id + "/";
  if (!row.email_id.empty())
    key += "emailid:" + row.email_id;
  else if (!row.gm_message_id.empty())
    key += "gm:" + row.gm_message_id;
  else
    key += source.mailbox + "/" + std::to_string(uid_validity) + "." + std::to_string(row.uid);
  if (key.size() <= 400) return aoh::valid_utf8(key);
  return "sha256:" + hex(sha256(key));
}

aoh::Json payload_of(const Source& source, std::uint32_t uid_validity, const mime::Message& m,
                     const imap::MessageRow& row, std::size_t max_bytes) {
  imap::MailboxState mailbox;
  mailbox.name = source.mailbox;
  mailbox.uid_validity = uid_validity;
  struct Cap {
    std::size_t text, html, addresses, attachments;
  };
  // The last one fits whatever the message holds: names and subject are the sender's, but limited by the
  // parser's fields.
  constexpr Cap kCaps[] = {
      {64u << 10, 64u << 10, 200, 200}, {32u << 10, 0, 100, 100}, {8u << 10, 0, 20, 20}, {1u << 10, 0, 2, 2}};
  aoh::Json payload;
  for (const Cap& cap : kCaps) {
    mime::RenderOptions o;
    o.format = mime::Format::text;
    o.max_text_bytes = cap.text;
    o.max_addresses = cap.addresses;
    o.max_attachments = cap.attachments;
    aoh::Json email = read::to_json(m, row, mailbox, o);
    email.set("credential_id", source.credential_id);
    if (email.has("text")) email.set("body_text", email["text"]);
    if (m.html && cap.html > 0) {
      if (m.html->size() > cap.html) email.slot("truncated").set("body_html", true);
      email.set("body_html", std::string(aoh::utf8_prefix(*m.html, cap.html)));
    }
    // A blueprint's template names these whatever the message has: without a subject there is an empty one.
    for (const char* field : {"subject", "body_text", "body_html"})
      if (!email.has(field)) email.set(field, "");
    for (const char* field : {"from", "to", "cc", "reply_to", "attachments"})
      if (!email.has(field)) email.set(field, aoh::Json::array());
    if (cap.text < kCaps[0].text) email.slot("truncated").set("payload", true);
    payload = aoh::Json{{"email", std::move(email)}};
    if (payload.dump().size() <= max_bytes) return payload;
  }
  // Headers of absurd length: what identifies the message is enough to fetch it.
  return aoh::Json{{"email",
                    {{"credential_id", source.credential_id},
                     {"mailbox", source.mailbox},
                     {"uid", row.uid},
                     {"uid_validity", uid_validity},
                     {"untrusted", true},
                     {"truncated", aoh::Json{{"payload", true}}}}}};
}

}  // namespace mailroom::watch
