// One entity at a time from the scanner's spans to a Message.
#include "mime/parse.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>

#include "mime/ascii.hpp"
#include "mime/charset.hpp"
#include "mime/codec.hpp"
#include "mime/headers.hpp"
#include "mime/html_guard.hpp"
#include "mime/html_text.hpp"
#include "mime/invisible.hpp"
#include "mime/scanner.hpp"
#include "mime/transfer.hpp"
#include "support/json.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kMaxWarnings = 200;

using HashContext = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

// Takes bytes as they are decoded; "" when OpenSSL has no SHA-256 to give.
class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    good_ = context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1;
  }
  void update(std::string_view bytes) {
    good_ = good_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
  }
  std::string hex() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    if (!good_ || EVP_DigestFinal_ex(context_.get(), digest.data(), &length) != 1) return {};
    std::string out;
    for (unsigned i = 0; i < length; ++i) {
      out += "0123456789abcdef"[digest[i] >> 4];
      out += "0123456789abcdef"[digest[i] & 15];
    }
    return out;
  }

 private:
  HashContext context_;
  bool good_ = false;
};

// What a part is, from its own header fields.
struct PartInfo {
  std::string disposition;  // lower case; empty when absent
  std::optional<std::string> filename;
  std::string charset;
  std::string encoding;
  std::string content_id;
  bool names_differ = false;
};

PartInfo part_info(const EntitySpan& entity, const ParseLimits& limits) {
  PartInfo info;
  const auto disposition =
      parse_structured(unfold(entity.field("content-disposition"), limits.max_field_bytes, nullptr));
  info.disposition = disposition.value.substr(0, 100);
  const std::string* filename = disposition.find("filename");
  const std::string* name = entity.content_type.find("name");
  if (filename && !filename->empty())
    info.filename = *filename;
  else if (name && !name->empty())
    info.filename = *name;
  info.names_differ = filename && name && *filename != *name && !filename->empty() && !name->empty();
  if (const std::string* charset = entity.content_type.find("charset"))
    info.charset = aoh::utf8_prefix(*charset, 100);
  info.encoding = unfold(trim(entity.field("content-transfer-encoding")), 200, nullptr);
  const auto ids = parse_ids(unfold(entity.field("content-id"), limits.max_field_bytes, nullptr));
  if (!ids.empty()) info.content_id = ids.front();
  return info;
}

class Builder {
 public:
  Builder(std::string_view raw, const ParseLimits& limits) : limits_(limits) { message_.size = raw.size(); }

  Message headers_only(Scan scanned) {
    take(std::move(scanned));
    root_headers();
    message_.mime_type = scan_.entities.front().type;
    return std::move(message_);
  }

  Message whole(Scan scanned) {
    take(std::move(scanned));
    root_headers();
    message_.mime_type = scan_.entities.front().type;
    mark_alternatives();
    for (std::size_t i = 0; i < scan_.entities.size(); ++i) {
      message_.part_types.push_back(scan_.entities[i].type);
      if (!scan_.entities[i].multipart) leaf(i);
    }
    message_.text_from_html = !has_plain_ && from_html_;
    if (has_blank_ || has_plain_ || from_html_) message_.text = std::move(text_);
    if (has_html_) message_.html = std::move(html_);
    return std::move(message_);
  }

 private:
  void take(Scan scanned) {
    scan_ = std::move(scanned);
    message_.warnings = std::move(scan_.warnings);
    message_.truncated = scan_.truncated;
  }

  void warn(std::string_view code, std::string_view detail) {
    for (const auto& w : message_.warnings)
      if (w.code == code && w.detail == detail) return;
    if (message_.warnings.size() < kMaxWarnings)
      message_.warnings.push_back({std::string(code), std::string(aoh::utf8_prefix(detail, 200))});
  }

  // Without the characters that draw nothing, which are told (SPEC §6).
  void clean(std::string& text, bool reading) {
    HiddenLog log;
    text = clean_invisible(std::move(text), log, reading);
    for (const auto& w : log.warnings()) warn(w.code, w.detail);
  }

  void limit(std::string_view code, std::string_view detail) {
    message_.truncated = true;
    warn(code, detail);
  }

  void root_headers() {
    std::vector<std::string> seen;
    bool cut = false;
    for (const auto& span : scan_.entities.front().fields) {
      const std::string raw = unfold(trim(span.value), limits_.max_field_bytes, &cut);
      HeaderField field{aoh::valid_utf8(span.name), decode_header(raw), one_line(aoh::valid_utf8(raw))};
      if (!is_ascii(raw) && !is_utf8(raw))
        warn("header_8bit", field.name +
                                " has 8-bit bytes of no declared charset; as windows-1252 it reads: " +
                                one_line(as_windows1252(raw.substr(0, 120))));
      std::string name = to_lower(field.name);
      const bool first = std::find(seen.begin(), seen.end(), name) == seen.end();
      known_field(name, raw, field.value, first);
      if (first && seen.size() < 500) seen.push_back(std::move(name));
      message_.headers.push_back(std::move(field));
    }
    if (cut) limit("limit_field", "a header field is longer than is read");
  }

  void known_field(const std::string& name, const std::string& raw, const std::string& value, bool first) {
    struct List {
      std::string_view name;
      std::vector<Address> Message::*member;
      bool once;
    };
    static constexpr std::array<List, 6> kLists{{{"from", &Message::from, true},
                                                 {"sender", &Message::sender, true},
                                                 {"reply-to", &Message::reply_to, true},
                                                 {"to", &Message::to, false},
                                                 {"cc", &Message::cc, false},
                                                 {"bcc", &Message::bcc, false}}};
    const bool single = name == "subject" || name == "date" || name == "message-id" ||
                        name == "in-reply-to" || name == "references" || name == "content-type" ||
                        name == "content-transfer-encoding" || name == "content-disposition";
    for (const auto& list : kLists) {
      if (list.name != name) continue;
      if (!first) warn("header_repeated", name + " stands more than once");
      if (!first && list.once)
        return;  // the first one counts; a signature may cover another: hence the warning
      auto& into = message_.*list.member;
      auto more = parse_addresses(raw, limits_.max_addresses - std::min(limits_.max_addresses, into.size()));
      for (auto& a : more) {
        clean(a.name, true);
        clean(a.group, true);
      }
      into.insert(into.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
      if (into.size() >= limits_.max_addresses)
        limit("limit_addresses", "more addresses than are read in " + name);
      return;
    }
    if (!single) return;
    if (!first) {
      warn("header_repeated", name + " stands more than once");
      return;
    }
    if (name == "subject") {
      if (!value.empty()) clean(message_.subject.emplace(value), true);
    } else if (name == "date") {
      if (auto date = parse_date(raw)) {
        message_.date = std::move(date->rfc3339);
        message_.date_unix = date->unix_seconds;
      } else if (!value.empty()) {
        warn("date_invalid", "the Date field is no date");
      }
    } else if (name == "message-id") {
      auto ids = parse_ids(raw);
      if (!ids.empty()) message_.message_id = std::move(ids.front());
    } else if (name == "in-reply-to") {
      message_.in_reply_to = parse_ids(raw);
    } else if (name == "references") {
      message_.references = parse_ids(raw);
    }
  }

  // Shown as text: text/plain and text/html that is neither an attachment nor a named file beside other parts
  // (RFC 8621 §4.1.4).
  bool is_body(const EntitySpan& entity, const PartInfo& info) const {
    if (entity.type != "text/plain" && entity.type != "text/html") return false;
    if (info.disposition == "attachment") return false;
    if (entity.first_child) return true;
    return !info.filename && scan_.entities[entity.parent].type != "multipart/related";
  }

  // For each entity, the outermost multipart/alternative around it that also has a plain text: HTML in there
  // is said twice.
  void mark_alternatives() {
    const auto& all = scan_.entities;
    alternative_.assign(all.size(), kNone);
    has_plain_in_.assign(all.size(), false);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::size_t around = i == 0 ? kNone : alternative_[all[i].parent];
      alternative_[i] =
          around == kNone && all[i].multipart && all[i].type == "multipart/alternative" ? i : around;
      if (alternative_[i] != kNone && all[i].type == "text/plain" && !all[i].multipart &&
          !trim(all[i].body).empty() && is_body(all[i], part_info(all[i], limits_)))
        has_plain_in_[alternative_[i]] = true;
    }
  }

  void leaf(std::size_t index) {
    const EntitySpan& entity = scan_.entities[index];
    const PartInfo info = part_info(entity, limits_);
    if (info.names_differ)
      warn("filename_conflict", "Content-Type and Content-Disposition name a part differently");
    if (!is_body(entity, info)) {
      attachment(entity, info);
      return;
    }
    bool broken = false;
    bool undeclared = false;
    // Enough bytes to fill the limit, whatever their charset; the rest of a long text is not even kept.
    const std::size_t most = limits_.max_text_bytes + limits_.max_text_bytes / 2 + kDecodeBlock;
    std::string bytes;
    scratch_.clear();
    DecodedBytes blocks(scratch_, [&](std::string_view block) {
      if (bytes.size() < most) bytes += block;
    });
    decode_transfer(entity.body.substr(0, most * 4), transfer_of(info.encoding), blocks, broken);
    if (bytes.size() >= most) limit("limit_text", "the text is longer than is read");
    if (broken) warn("encoding_broken", "the transfer encoding of a text part is damaged or unknown");
    std::string text = with_lf(to_utf8(bytes, info.charset, &undeclared, most));
    if (undeclared) warn("charset_undeclared", "a text part has 8-bit bytes, no charset, and is not UTF-8");
    if (entity.type == "text/plain") {
      (trim(text).empty() ? has_blank_ : has_plain_) = true;
      clean(text, true);
      append(text_, text);
      return;
    }
    has_html_ = true;
    append(html_, text);
    const std::size_t alternative = alternative_[index];
    if (alternative != kNone && has_plain_in_[alternative]) return;
    if (text.size() > kMaxHtmlBytes) limit("limit_html", "only the beginning of the HTML was made into text");
    const HtmlText read = read_html(text, limits_.max_text_bytes, message_.subject.value_or(""));
    for (const auto& w : read.warnings) warn(w.code, w.detail);
    append(text_, read.text);
    from_html_ = true;
  }

  void append(std::string& to, std::string_view piece) {
    const bool apart = !to.empty() && to.back() != '\n' && !piece.empty();
    if (apart && to.size() < limits_.max_text_bytes) to += '\n';
    const std::size_t room = limits_.max_text_bytes - std::min(limits_.max_text_bytes, to.size());
    if (piece.size() > room) limit("limit_text", "the text is longer than is read");
    to += aoh::utf8_prefix(piece, room);
  }

  void attachment(const EntitySpan& entity, const PartInfo& info) {
    Attachment a;
    a.part = entity.number;
    a.filename = info.filename;
    if (a.filename) clean(*a.filename, false);
    a.mime_type = entity.type;
    a.disposition = info.disposition.empty() ? "attachment" : info.disposition;
    a.content_id = info.content_id;
    if (entity.type.starts_with("text/")) a.charset = info.charset;
    if (hashed_ + entity.body.size() > limits_.max_hash_bytes) {
      const bool base64 = iequals(info.encoding, "base64");
      a.size = base64 ? entity.body.size() / 4 * 3 : entity.body.size();
      a.size_estimated = true;
    } else {
      bool broken = false;
      Sha256 hash;
      scratch_.clear();
      DecodedBytes blocks(scratch_, [&](std::string_view block) {
        a.size += block.size();
        if (limits_.hash_attachments) hash.update(block);
      });
      decode_transfer(entity.body, transfer_of(info.encoding), blocks, broken);
      hashed_ += entity.body.size();
      if (limits_.hash_attachments) a.sha256 = hash.hex();
      if (broken)
        warn("encoding_broken", "the transfer encoding of part " + entity.number + " is damaged or unknown");
    }
    message_.attachments.push_back(std::move(a));
  }

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  const ParseLimits& limits_;
  Message message_;
  Scan scan_;
  std::vector<std::size_t> alternative_;
  std::vector<bool> has_plain_in_;
  std::string text_, html_;
  bool has_plain_ = false;  // a plain part that says something
  bool has_blank_ = false;  // or one that does not
  bool has_html_ = false;
  bool from_html_ = false;  // text_ holds some that was made from HTML
  std::size_t hashed_ = 0;
  std::string scratch_;  // of one decoded block
};

}  // namespace

Message parse(std::string_view raw, const ParseLimits& limits) {
  return Builder(raw, limits).whole(scan(raw, limits));
}

Message parse_headers(std::string_view raw, const ParseLimits& limits) {
  return Builder(raw, limits).headers_only(scan_headers(raw, limits));
}

std::optional<DecodedPart> decode_part(std::string_view raw, std::string_view part_number,
                                       const ParseLimits& limits) {
  const Scan scanned = scan(raw, limits);
  for (const auto& entity : scanned.entities) {
    if (entity.multipart || entity.number != part_number || part_number.empty()) continue;
    const PartInfo info = part_info(entity, limits);
    DecodedPart part;
    part.bytes = decode_transfer(entity.body, info.encoding, &part.broken);
    part.mime_type = entity.type;
    part.charset = info.charset;
    part.filename = info.filename;
    return part;
  }
  return {};
}

}  // namespace mailroom::mime
