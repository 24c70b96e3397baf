#include "deliver/dkim.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/error.hpp"
#include "mime/codec.hpp"

namespace mailroom::deliver {
namespace {

constexpr std::size_t kFold = 78;
constexpr std::size_t kMostFields = 1000;

// Trace fields and those that relays rewrite (Return-Path, Received, Bcc) are not in it.
constexpr const char* kSigned[] = {"from",
                                   "sender",
                                   "reply-to",
                                   "subject",
                                   "date",
                                   "message-id",
                                   "to",
                                   "cc",
                                   "mime-version",
                                   "content-type",
                                   "content-transfer-encoding",
                                   "content-id",
                                   "in-reply-to",
                                   "references",
                                   "list-id",
                                   "list-unsubscribe",
                                   "list-unsubscribe-post",
                                   "auto-submitted"};
constexpr const char* kNotToBeAdded[] = {"from", "subject", "date", "to", "cc"};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  return out;
}

/// Letters, digits, hyphens and underscores between dots; 253 at most.
bool domain_name(std::string_view text) {
  if (text.empty() || text.size() > 253 || text.front() == '.' || text.back() == '.') return false;
  std::size_t label = 0;
  for (const char c : text) {
    const bool letter =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
    } else if (!letter || ++label > 63) {
      return false;
    }
  }
  return true;
}

const char* name_of(Canon c) { return c == Canon::relaxed ? "relaxed" : "simple"; }

std::string hash_of(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1)
    throw Failure(Errc::internal, "the message could not be hashed");
  return mime::encode_base64_line({reinterpret_cast<const char*>(digest.data()), size});
}

/// Tags and values that may be folded anywhere between their words.
class Folded {
 public:
  explicit Folded(std::string begin) : text_(std::move(begin)), column_(text_.size()) {}
  void word(std::string_view w) {
    if (column_ + 1 + w.size() > kFold) fold();
    text_ += ' ';
    text_ += w;
    column_ += 1 + w.size();
  }
  /// Base64 may be broken anywhere (FWS within b= and bh=, RFC 6376 §3.5).
  void base64(std::string_view tag, std::string_view value) {
    word(tag);
    while (!value.empty()) {
      if (column_ >= kFold) {
        fold();
        text_ += ' ';
        column_ = 1;
      }
      const std::string_view piece = value.substr(0, kFold - column_);
      text_ += piece;
      column_ += piece.size();
      value.remove_prefix(piece.size());
    }
  }
  void end_tag() {
    text_ += ';';
    ++column_;
  }
  const std::string& text() const { return text_; }

 private:
  void fold() {
    text_ += "\r\n";
    column_ = 0;
  }
  std::string text_;
  std::size_t column_;
};

}  // namespace

std::string dkim_signed_data(const std::vector<RawField>& fields, const std::vector<std::string>& names,
                             std::string_view signature_field, Canon canon) {
  std::map<std::string, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < fields.size(); ++i) places[lower(fields[i].name)].push_back(i);
  std::string data;
  for (const std::string& name : names) {
    const auto at = places.find(lower(name));
    if (at == places.end() || at->second.empty()) continue;  // named beyond what is there: an empty string
    data += canonical_field(fields[at->second.back()].whole, canon);
    at->second.pop_back();
  }
  std::string own = canonical_field(signature_field, canon);
  if (own.ends_with("\r\n")) own.resize(own.size() - 2);
  return data + own;
}

std::string dkim_signature(std::string_view message, const DkimKey& key, const DkimOptions& options,
                           std::int64_t now_s) {
  if (!domain_name(options.domain) || !domain_name(options.selector))
    throw Failure(
        Errc::config, "DKIM needs a domain and a selector, each a DNS name in ASCII",
        "dkim: " + printable(options.selector, 64) + "._domainkey." + printable(options.domain, 253),
        "A domain in other letters is written with its A-labels (xn--...)");
  std::string_view body;
  const std::vector<RawField> fields = header_fields(message, body);
  if (fields.size() > kMostFields) throw Failure(Errc::limit, "the message has more than 1000 header fields");

  std::vector<std::string> names;
  for (const char* name : kSigned) {
    const auto count =
        std::count_if(fields.begin(), fields.end(), [&](const RawField& f) { return lower(f.name) == name; });
    if (std::string_view(name) == "from" && count != 1)
      throw Failure(Errc::invalid, "a message to be signed has exactly one From field, this one has " +
                                       std::to_string(count));
    const bool once_more =
        std::find_if(std::begin(kNotToBeAdded), std::end(kNotToBeAdded),
                     [&](const char* n) { return std::string_view(n) == name; }) != std::end(kNotToBeAdded);
    for (auto i = count + (once_more ? 1 : 0); i > 0; --i) names.emplace_back(name);
  }

  Folded field("DKIM-Signature: v=1;");
  field.word("a=" + std::string(key.algorithm_name()) + ";");
  field.word(std::string("c=") + name_of(options.header) + "/" + name_of(options.body) + ";");
  field.word("d=" + lower(options.domain) + ";");
  field.word("s=" + options.selector + ";");
  field.word("t=" + std::to_string(now_s) + ";");
  if (options.expires_after_s > 0) field.word("x=" + std::to_string(now_s + options.expires_after_s) + ";");
  for (std::size_t i = 0; i < names.size(); ++i)
    field.word((i == 0 ? "h=" : ":") + names[i] + (i + 1 == names.size() ? ";" : ""));
  field.base64("bh=", hash_of(canonical_body(body, options.body)));
  field.end_tag();
  Folded complete = field;
  field.base64("b=", "");
  complete.base64("b=", key.sign(dkim_signed_data(fields, names, field.text() + "\r\n", options.header)));
  return complete.text() + "\r\n";
}

}  // namespace mailroom::deliver
