#include "mime/entity.hpp"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdio>

#include "mime/ascii.hpp"
#include "mime/charset.hpp"
#include "mime/codec.hpp"
#include "mime/header_writer.hpp"
#include "mime/outgoing.hpp"
#include "mime/parse.hpp"
#include "mime/unicode.hpp"

namespace mailroom::mime {
namespace {

constexpr std::size_t kMaxLine = 998;  // RFC 5322 §2.1.1

// CRLF for every line end; a body that is not empty ends in one.
std::string with_crlf_lines(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 32 + 2);
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;  // find_first_of() calls memchr for each character
    while (end < text.size() && text[end] != '\r' && text[end] != '\n') ++end;
    out.append(text, at, end - at);
    out += "\r\n";
    at = end + 1 + (end + 1 < text.size() && text[end] == '\r' && text[end + 1] == '\n');
  }
  return out;
}

struct Look {
  bool controls = false;  // other than tab and line ends
  bool nul = false;
  std::size_t longest = 0;  // line, bytes
  std::size_t high = 0;     // bytes beyond ASCII
  bool fragile = false;     // a line that relays rewrite
};

Look look(std::string_view crlf_text) {
  Look s;
  for (std::size_t at = 0; at < crlf_text.size();) {
    const std::size_t end = std::min(crlf_text.find('\n', at), crlf_text.size());
    const std::string_view line = crlf_text.substr(at, end - at);
    s.fragile = s.fragile || line.starts_with("From ");
    std::size_t length = 0;
    for (char c : line) {
      s.high += static_cast<unsigned char>(c) >> 7;
      s.controls = s.controls || (c >= 0 && c < 0x20 && c != '\t' && c != '\r') || c == 0x7f;
      s.nul = s.nul || c == 0;
      length += c != '\r';
    }
    s.longest = std::max(s.longest, length);
    at = end + 1;
  }
  return s;
}

// All line ends are CRLF, or all are LF.
bool one_kind_of_line_end(std::string_view text) {
  std::size_t crlf = 0, cr = 0, lf = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    cr += text[i] == '\r';
    lf += text[i] == '\n';
    crlf += text[i] == '\n' && i > 0 && text[i - 1] == '\r';
  }
  return cr == crlf && (lf == crlf || crlf == 0);
}

// base64 has no '_' and quoted-printable no "=_": only a body that is not encoded can hold a boundary. A
// draft nests four levels at most.
bool occurs(const Entity& node, std::string_view text) {
  return (node.plain && node.body.find(text) != node.body.npos) ||
         std::any_of(node.children.begin(), node.children.end(),
                     [&](const Entity& n) { return occurs(n, text); });
}

std::size_t entity_size(const Entity& node) {  // about; enough
  std::size_t size = node.fields.size() + node.body.size() + 200;
  for (const auto& child : node.children) size += entity_size(child);
  return size;
}

class Writer {
 public:
  explicit Writer(std::string_view seed) : seed_(seed) {}

  void write(const Entity& node, std::string& out) {
    if (node.multipart.empty()) {
      out += node.fields;
      out += "\r\n";
      out += node.body;
      if (!node.body.empty() && !node.body.ends_with("\r\n")) out += "\r\n";
      return;
    }
    const std::string boundary = fresh_boundary(node);
    out.append("Content-Type: multipart/").append(node.multipart);
    out.append(";\r\n boundary=\"").append(boundary).append("\"\r\n").append(node.fields).append("\r\n");
    for (const auto& child : node.children) {
      out.append("--").append(boundary).append("\r\n");
      write(child, out);
      // The last line end is the delimiter's (RFC 2046 §5.1.1); a body that has one of its own keeps it.
      if (child.multipart.empty() && !child.body.empty() && !child.body.ends_with("\r\n")) continue;
      out += "\r\n";
    }
    out.append("--").append(boundary).append("--\r\n");
  }

 private:
  std::string fresh_boundary(const Entity& node) {
    if (base_.empty()) {
      std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
      SHA256(reinterpret_cast<const unsigned char*>(seed_.data()), seed_.size(), digest.data());
      for (std::size_t i = 0; i < 16; ++i) {
        base_ += "0123456789abcdef"[digest[i] >> 4];
        base_ += "0123456789abcdef"[digest[i] & 15];
      }
    }
    for (;;) {
      // Of one length, so that none is the beginning of another.
      std::array<char, 16> number{};
      std::snprintf(number.data(), number.size(), "=_%04zx_", count_++ & 0xffff);
      std::string boundary = number.data() + base_;
      if (!occurs(node, boundary)) return boundary;
    }
  }

  std::string_view seed_;
  std::string base_;
  std::size_t count_ = 0;
};

}  // namespace

Entity text_entity(std::string_view type, std::string_view text, std::string_view where, bool eight_bit_ok) {
  if (!is_utf8(text)) refuse(std::string(where), "is not valid UTF-8");
  std::string body = with_crlf_lines(text);
  const Look s = look(body);
  Entity node;
  node.fields.append("Content-Type: ").append(type).append("; charset=utf-8\r\nContent-Transfer-Encoding: ");
  if (!s.controls && !s.fragile && s.longest <= kMaxLine && (s.high == 0 || eight_bit_ok)) {
    node.plain = true;
    node.eight_bit = s.high > 0;
    node.fields += node.eight_bit ? "8bit\r\n" : "7bit\r\n";
    node.body = std::move(body);
  } else if (quoted_printable_size(body) <= (body.size() + 2) / 3 * 4 + body.size() / 57 * 2) {
    node.fields += "quoted-printable\r\n";
    node.body = encode_quoted_printable(body);
  } else {
    node.fields += "base64\r\n";
    node.body = encode_base64(body);
  }
  return node;
}

Entity attachment_entity(const DraftAttachment& a, const std::string& where, std::string_view content_id,
                         bool shown, bool eight_bit_ok) {
  std::string type = a.mime_type.empty() ? "application/octet-stream" : to_lower(a.mime_type);
  const std::size_t slash = type.find('/');
  if (slash == type.npos || !is_token(type.substr(0, slash)) || !is_token(type.substr(slash + 1)))
    refuse(where + ".mime_type", "is not a type like application/pdf");
  if (type.starts_with("multipart/"))
    refuse(where + ".mime_type", "is a multipart, which an attachment cannot be");
  if (auto problem = slot_problem(a.filename, 4096); !problem.empty()) refuse(where + ".filename", problem);
  if (!content_id.empty())
    if (auto problem = id_problem(content_id); !problem.empty()) refuse(where + ".content_id", problem);

  Entity node;
  std::string name = a.filename.empty() ? std::string() : safe_filename(a.filename);
  if (type.starts_with("message/")) {
    if (type == "message/rfc822" && one_kind_of_line_end(a.bytes)) {
      node.body = with_crlf_lines(a.bytes);
      const Look s = look(node.body);
      node.plain = !s.nul && s.longest <= kMaxLine && (s.high == 0 || eight_bit_ok);
      node.eight_bit = node.plain && s.high > 0;
    }
    if (!node.plain) {
      type = "application/octet-stream";
      if (name.empty()) name = "message";
      if (!to_lower(name).ends_with(".eml")) name = safe_filename(name + ".eml");
    }
  }
  if (!node.plain) node.body = encode_base64(a.bytes);
  const bool labelled = type.starts_with("text/") && is_token(a.charset);
  node.fields = type_field(type, labelled ? a.charset : std::string(), name);
  node.fields.append("Content-Transfer-Encoding: ");
  node.fields += !node.plain ? "base64\r\n" : node.eight_bit ? "8bit\r\n" : "7bit\r\n";
  node.fields += disposition_field(shown ? "inline" : "attachment", name);
  if (!content_id.empty()) node.fields.append("Content-ID: <").append(content_id).append(">\r\n");
  return node;
}

Entity multipart_entity(std::string kind, std::vector<Entity> children) {
  Entity node;
  node.multipart = std::move(kind);
  node.children = std::move(children);
  for (const auto& child : node.children) node.eight_bit = node.eight_bit || child.eight_bit;
  if (node.eight_bit) node.fields = "Content-Transfer-Encoding: 8bit\r\n";  // RFC 2045 §6.4
  return node;
}

void write_entity(const Entity& entity, std::string_view seed, std::string& out) {
  out.reserve(out.size() + entity_size(entity));
  Writer(seed).write(entity, out);
}

}  // namespace mailroom::mime
