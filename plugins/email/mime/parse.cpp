// One entity at a time from the scanner's spans to a Message.
#include "mime/parse.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

#include "mime/address_look.hpp"
#include "mime/alternatives.hpp"
#include "mime/ascii.hpp"
#include "mime/calendar.hpp"
#include "mime/charset.hpp"
#include "mime/compare.hpp"
#include "mime/fields.hpp"
#include "mime/flowed.hpp"
#include "mime/headers.hpp"
#include "mime/html_glance.hpp"
#include "mime/html_guard.hpp"
#include "mime/html_text.hpp"
#include "mime/inner.hpp"
#include "mime/scanner.hpp"
#include "mime/transfer.hpp"

namespace mailroom::mime {
namespace {

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

class Builder {
 public:
  Builder(std::string_view raw, const ParseLimits& limits, int level) : limits_(limits), level_(level) {
    message_.size = raw.size();
  }

  Message headers_only(Scan scanned) {
    take(std::move(scanned));
    return std::move(message_);
  }

  Message whole(Scan scanned) {
    take(std::move(scanned));
    mark_alternatives();
    for (std::size_t i = 0; i < scan_.entities.size(); ++i) {
      message_.part_types.push_back(scan_.entities[i].type);
      if (!scan_.entities[i].multipart)
        leaf(i);
      else
        container(scan_.entities[i]);
    }
    inner_body();
    for (auto& [at, said] : said_twice_) compare(said);
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
    std::string_view declared;
    for (const auto& entity : scan_.entities)
      if (const std::string* charset = entity.content_type.find("charset"); charset && declared.empty())
        declared = *charset;
    read_fields(scan_.entities.front(), limits_, declared, message_, warnings_);
    message_.mime_type = scan_.entities.front().type;
  }

  void container(const EntitySpan& entity) {
    const Transfer encoding = part_info(entity, limits_).encoding;
    if (encoding != Transfer::identity && encoding != Transfer::unknown)
      warnings_.add("encoding_on_multipart", "a multipart claims a transfer encoding, which it cannot have");
    if (entity.type == "multipart/signed")
      warnings_.add("signature_unverified", "the message is signed; the signature was not verified");
    if (entity.type == "multipart/encrypted")
      warnings_.add("encrypted", "the content is encrypted with PGP: it cannot be read here");
  }

  // Shown as text: text/plain and text/html that is neither an attachment nor a named file beside other parts
  // (RFC 8621 §4.1.4).
  bool is_body(const EntitySpan& entity, const PartInfo& info) const {
    if (entity.type != "text/plain" && entity.type != "text/html") return false;
    if (info.disposition == "attachment") return false;
    if (entity.first_child) return true;
    if (scan_.entities[entity.parent].type == "multipart/related") return is_late_root(entity);
    return !info.filename;
  }

  // RFC 2387: the root comes first, or is named. Where what comes first can be no root (a picture), the first
  // HTML is it, as others have it.
  bool is_late_root(const EntitySpan& entity) const {
    if (entity.type != "text/html") return false;
    for (const EntitySpan* before = &scan_.entities[entity.parent] + 1; before != &entity; ++before)
      if (before->parent == entity.parent && (before->multipart || before->type.starts_with("text/")))
        return false;
    return true;
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
      warnings_.add("filename_conflict", "a part is named differently in several places");
    if (info.name_broken) warnings_.add("filename_broken", "a piece of a part's name is missing");
    name_warnings(entity, info);
    if (!is_body(entity, info)) {
      attachment(entity, info);
      return;
    }
    bool broken = false;
    CharsetNotes notes;
    // Enough bytes to fill the limit, whatever their charset; the rest of a long text is not even kept.
    const std::size_t most = limits_.max_text_bytes + limits_.max_text_bytes / 2 + kDecodeBlock;
    const bool plain_text = info.encoding == Transfer::base64 && !looks_like_base64(entity.body);
    std::string bytes;
    scratch_.clear();
    DecodedBytes blocks(scratch_, [&](std::string_view block) {
      if (bytes.size() < most) bytes += block;
    });
    decode_transfer(entity.body.substr(0, most * 4), plain_text ? Transfer::unknown : info.encoding, blocks,
                    broken);
    if (bytes.size() >= most) warnings_.limit("limit_text", "the text is longer than is read");
    if (broken)
      warnings_.add("encoding_broken", "the transfer encoding of a text part is damaged or unknown");
    std::string text = with_lf(to_utf8(bytes, info.charset, &notes, most));
    charset_warnings(notes, bytes, info.charset);
    if (bytes.find('\0') != bytes.npos) warnings_.add("nul", "a text part holds NUL bytes");
    if (entity.type == "text/plain") {
      plain(index, info, std::move(text));
    } else {
      html(index, text);
    }
  }

  // What a part's own fields say; the root's are looked at with the message's.
  void name_warnings(const EntitySpan& entity, const PartInfo& info) {
    if (info.name_control)
      warnings_.add("filename_control",
                    "a part's name holds a NUL or a line end: another reader's ends there");
    if (info.filename && info.filename->find("\xEF\xBF\xBD") != std::string::npos)
      warnings_.add("header_charset", "a part's name has bytes that are not of its charset");
    if (&entity == &scan_.entities.front()) return;
    for (const char* const name : {"content-type", "content-disposition", "content-id"}) {
      const std::string_view value = entity.field(name);
      if (value.find('\0') != value.npos)
        warnings_.add("nul", std::string(name) + " of a part holds a NUL byte");
      if (has_bare_cr(value))
        warnings_.add("bare_cr", std::string(name) + " of a part holds a CR without LF");
    }
  }

  void plain(std::size_t index, const PartInfo& info, std::string text) {
    embedded_warnings(text, warnings_);
    if (info.flowed) text = unflow(text, info.delsp);
    if (scan_.entities[index].parent == 0 && begins_with_fields(text))
      warnings_.add("header_in_body",
                    "a body begins with MIME header fields: another reader may take them for the header");
    (trim(text).empty() ? has_blank_ : has_plain_) = true;
    clean(text, true, warnings_);
    append(text_, text);
    if (alternative_[index] != kNone) append(said_twice_[alternative_[index]].plain, text);
  }

  void html(std::size_t index, const std::string& text) {
    has_html_ = true;
    append(html_, text);
    const std::size_t alternative = alternative_[index];
    if (alternative != kNone && has_plain_in_[alternative])
      append(said_twice_[alternative].html, text);
    else
      read_text_of(text);
  }

  HtmlText read(const std::string& html) {
    HtmlText out = read_html(html, limits_.max_text_bytes, message_.subject.value_or(""));
    for (const auto& w : out.warnings) warnings_.add(w.code, w.detail);
    return out;
  }

  void read_text_of(const std::string& html) {
    if (html.size() > kMaxHtmlBytes)
      warnings_.limit("limit_html", "only the beginning of the HTML was made into text");
    const HtmlText found = read(html);
    if (has_plain_ && says_nothing_new(text_, found.text))
      return;  // the same again, beside it instead of as an alternative
    append(text_, found.text);
    from_html_ = true;
  }

  // A plain text and the HTML in its place: `text` is the one, a person sees the other.
  struct SaidTwice {
    std::string plain, html;
  };

  void compare(const SaidTwice& said) {
    if (said.html.empty()) return;
    if (trim(said.plain).empty()) return read_text_of(said.html);
    const bool cut = said.html.size() > kMaxHtmlBytes;
    if (cut) warnings_.add("limit_html", "only the beginning of the HTML beside the text was searched");
    std::optional<std::string> shown = read_at_a_glance(said.html);
    if (!shown) shown = read(said.html).text;
    for (const auto& difference : differences({said.plain, *shown, cut}))
      warnings_.add("alternatives_differ", difference);
  }

  // Where the message itself shows no text, what winmail.dat or an opaque signature holds.
  void inner_body() {
    if (has_plain_ || has_html_ || (!inner_.text && !inner_.html)) return;
    if (inner_.html) {
      has_html_ = true;
      append(html_, *inner_.html);
    }
    if (inner_.text) {
      has_plain_ = true;
      clean(*inner_.text, true, warnings_);
      append(text_, *inner_.text);
      if (inner_.html) compare({*inner_.text, *inner_.html});
    } else {
      read_text_of(*inner_.html);
    }
  }

  void charset_warnings(const CharsetNotes& notes, std::string_view bytes, const std::string& label) {
    if (notes.undeclared || notes.unknown) {
      const std::string charset = guess_charset(bytes, {});
      warnings_.add(notes.unknown ? "charset_unknown" : "charset_undeclared",
                    "a text part has 8-bit bytes" +
                        (notes.unknown ? " in \"" + label + "\", which nobody knows"
                                       : ", no charset, and is not UTF-8") +
                        "; as " + charset +
                        " it begins: " + one_line(convert_from(charset, bytes.substr(0, 100)).value_or("")));
    }
    if (notes.invalid)
      warnings_.add("charset_invalid", "a text part has bytes that are not of its charset, " + label);
    if (notes.label_wrong)
      warnings_.add("charset_wrong", "a text part says " + label + " and is valid in another charset");
  }

  void append(std::string& to, std::string_view piece) {
    const bool apart = !to.empty() && to.back() != '\n' && !piece.empty();
    if (apart && to.size() < limits_.max_text_bytes) to += '\n';
    const std::size_t room = limits_.max_text_bytes - std::min(limits_.max_text_bytes, to.size());
    if (piece.size() > room) warnings_.limit("limit_text", "the text is longer than is read");
    to += aoh::utf8_prefix(piece, room);
  }

  void attachment(const EntitySpan& entity, const PartInfo& info) {
    Attachment a;
    a.part = entity.number;
    a.filename = info.filename;
    if (a.filename) clean(*a.filename, false, warnings_);
    a.mime_type = entity.type;
    a.disposition = info.disposition.empty() ? "attachment" : info.disposition;
    a.content_id = info.content_id;
    mark_invisible(a.disposition, "Content-Disposition", warnings_);
    mark_invisible(a.content_id, "Content-ID", warnings_);
    a.kind = kind_of(entity, scan_.entities[entity.parent], info);
    if (entity.type.starts_with("text/")) a.charset = info.charset;
    mark_invisible(a.charset, "charset", warnings_);
    if (hashed_ + entity.body.size() > limits_.max_hash_bytes) {
      const bool base64 = info.encoding == Transfer::base64;
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
      decode_transfer(entity.body, info.encoding, blocks, broken);
      hashed_ += entity.body.size();
      if (limits_.hash_attachments) a.sha256 = hash.hex();
      if (broken)
        warnings_.add("encoding_broken",
                      "the transfer encoding of part " + entity.number + " is damaged or unknown");
    }
    const std::size_t room = limits_.max_parts - std::min(limits_.max_parts, listed_);
    InnerBody body =
        read_inner(entity.body, info.encoding, {limits_, warnings_, std::min(kMaxContents, room), level_}, a);
    listed_ += a.contents.size();
    if (!inner_.text) inner_.text = std::move(body.text);
    if (!inner_.html) inner_.html = std::move(body.html);
    if (a.kind == "calendar") calendar(entity, info);
    message_.attachments.push_back(std::move(a));
  }

  void visible(CalendarPerson& person) {
    clean(person.name, true, warnings_);
    for (std::string* value : {&person.address, &person.partstat, &person.role})
      mark_invisible(*value, "a calendar", warnings_);
  }

  void calendar(const EntitySpan& entity, const PartInfo& info) {
    constexpr std::size_t kMaxItems = 100;
    const PartBytes bytes(entity.body.substr(0, kMaxInnerBytes), info.encoding);
    bool cut = false;
    auto items = parse_calendar(with_lf(to_utf8(bytes.view(), info.charset)),
                                kMaxItems - message_.calendar.size(), cut);
    for (auto& item : items) {
      item.part = entity.number;
      for (std::string* text : {&item.summary, &item.description, &item.location})
        clean(*text, true, warnings_);
      if (item.organizer) visible(*item.organizer);
      for (auto& person : item.attendees) visible(person);
      for (std::string* value : {&item.uid, &item.status, &item.rrule, &item.duration, &item.method})
        mark_invisible(*value, "a calendar", warnings_);
      for (auto* time : {&item.start, &item.end, &item.recurrence_id})
        if (*time) mark_invisible((*time)->zone, "a calendar", warnings_);
      message_.calendar.push_back(std::move(item));
    }
    if (cut) warnings_.limit("limit_calendar", "more of a calendar than is read");
  }

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  const ParseLimits& limits_;
  const int level_;
  Message message_;
  Warnings warnings_{message_};
  Scan scan_;
  InnerBody inner_;
  std::vector<std::size_t> alternative_;
  std::vector<bool> has_plain_in_;
  std::map<std::size_t, SaidTwice> said_twice_;  // by alternative
  std::string text_, html_;
  bool has_plain_ = false;  // a plain part that says something
  bool has_blank_ = false;  // or one that does not
  bool has_html_ = false;
  bool from_html_ = false;  // text_ holds some that was made from HTML
  std::size_t hashed_ = 0;
  std::size_t listed_ = 0;  // contents of attachments, of all together
  std::string scratch_;     // of one decoded block
};

}  // namespace

Message parse_at(std::string_view raw, const ParseLimits& limits, int level) {
  return Builder(raw, limits, level).whole(scan(raw, limits));
}

Message parse(std::string_view raw, const ParseLimits& limits) { return parse_at(raw, limits, 0); }

Message parse_headers(std::string_view raw, const ParseLimits& limits) {
  return Builder(raw, limits, 0).headers_only(scan_headers(raw, limits));
}

}  // namespace mailroom::mime
