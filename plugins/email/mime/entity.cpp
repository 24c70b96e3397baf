#include "mime/entity.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/error.hpp"
#include "mime/ascii.hpp"
#include "mime/charset.hpp"
#include "mime/codec.hpp"
#include "mime/header_writer.hpp"
#include "mime/outgoing.hpp"
#include "mime/parse.hpp"
#include "mime/unicode.hpp"

namespace mailroom::mime {
namespace {

// CRLF for every line end; a body that is not empty ends in one.
std::string with_crlf_lines(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 32 + 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' || text[i] == '\n') {
      if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
      out += "\r\n";
    } else {
      out += text[i];
    }
  }
  if (!out.empty() && !out.ends_with("\r\n")) out += "\r\n";
  return out;
}

struct Scan7 {
  bool clean = true;  // 7-bit, no controls but tab and line ends, no NUL
  bool controls = false;
  std::size_t longest = 0;
  std::size_t high = 0;
  bool fragile = false;  // a line that relays rewrite
};

Scan7 look(std::string_view crlf_text) {
  Scan7 s;
  std::size_t line = 0;
  for (std::size_t i = 0; i < crlf_text.size(); ++i) {
    const auto c = static_cast<unsigned char>(crlf_text[i]);
    if (c == '\n') {
      s.longest = std::max(s.longest, line);
      line = 0;
      continue;
    }
    if (c == '\r') continue;
    if (line == 0 && crlf_text.substr(i, 5) == "From ") s.fragile = true;
    ++line;
    if (c >= 0x80) ++s.high;
    if ((c < 0x20 && c != '\t') || c == 0x7f) s.controls = true;
  }
  s.longest = std::max(s.longest, line);
  s.clean = !s.controls && s.high == 0;
  return s;
}

bool occurs(const Entity& node, std::string_view text) {  // a draft nests four levels at most
  return node.body.find(text) != node.body.npos ||
         std::any_of(node.children.begin(), node.children.end(),
                     [&](const Entity& n) { return occurs(n, text); });
}

class Writer {
 public:
  explicit Writer(std::string_view seed) : seed_(seed) {}

  void write(const Entity& node, std::string& out) {
    if (node.multipart.empty()) {
      out += node.fields;
      out += "\r\n";
      out += node.body;
      if (!out.ends_with("\r\n")) out += "\r\n";
      return;
    }
    const std::string boundary = fresh_boundary(node);
    out += "Content-Type: multipart/" + node.multipart + ";\r\n boundary=\"" + boundary + "\"\r\n" +
           node.fields + "\r\n";
    for (const auto& child : node.children) {
      out += "--" + boundary + "\r\n";
      write(child, out);
      if (!child.body.ends_with("\r\n") && child.multipart.empty())
        continue;  // its last line end is the delimiter's
      out += "\r\n";
    }
    out += "--" + boundary + "--\r\n";
  }

 private:
  std::string fresh_boundary(const Entity& node) {
    for (;;) {
      const std::string input = std::string(seed_) + '/' + std::to_string(count_++);
      std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
      unsigned length = 0;
      EVP_Digest(input.data(), input.size(), digest.data(), &length, EVP_sha256(), nullptr);
      std::string boundary =
          "=_";  // base64 has no '_' and quoted-printable no "=_": only a 7-bit body can hold it
      for (std::size_t i = 0; i < 16; ++i) {
        boundary += "0123456789abcdef"[digest[i] >> 4];
        boundary += "0123456789abcdef"[digest[i] & 15];
      }
      if (!occurs(node, boundary)) return boundary;
    }
  }

  std::string_view seed_;
  std::size_t count_ = 0;
};

}  // namespace

[[noreturn]] void refuse(const std::string& where, std::string_view what, std::string cure) {
  std::string line = "the message cannot be composed: " + where + " " + std::string(what);
  throw Failure(Errc::invalid, std::move(line), where, std::move(cure));
}

Entity text_entity(std::string_view type, std::string_view text, std::string_view where) {
  if (!is_utf8(text)) refuse(std::string(where), "is not valid UTF-8");
  const std::string body = with_crlf_lines(text);
  const Scan7 s = look(body);
  Entity node;
  node.fields = "Content-Type: " + std::string(type) + "; charset=utf-8\r\n";
  if (s.clean && !s.fragile && s.longest <= 998) {
    node.fields += "Content-Transfer-Encoding: 7bit\r\n";
    node.body = body;
  } else if (!s.controls && s.high * 6 <= body.size()) {
    node.fields += "Content-Transfer-Encoding: quoted-printable\r\n";
    node.body = encode_quoted_printable(body);
  } else {
    node.fields += "Content-Transfer-Encoding: base64\r\n";
    node.body = encode_base64(body);
  }
  return node;
}

Entity attachment_entity(const DraftAttachment& a, const std::string& where, bool within_html) {
  std::string type = a.mime_type.empty() ? "application/octet-stream" : to_lower(a.mime_type);
  const std::size_t slash = type.find('/');
  if (slash == type.npos || !is_token(type.substr(0, slash)) || !is_token(type.substr(slash + 1)))
    refuse(where + ".mime_type", "is not a type like application/pdf");
  if (type.starts_with("multipart/"))
    refuse(where + ".mime_type", "is a multipart, which an attachment cannot be");
  if (auto problem = slot_problem(a.filename, 4096); !problem.empty()) refuse(where + ".filename", problem);
  if (!a.content_id.empty())
    if (auto problem = id_problem(a.content_id); !problem.empty()) refuse(where + ".content_id", problem);
  if (within_html && a.content_id.empty())
    refuse(where + ".content_id", "is missing: an inline image is found by it");

  Entity node;
  bool as_is = false;
  if (type.starts_with("message/")) {
    // A message may not be encoded within another (RFC 2046 §5.2.1): as it is where that is safe, else as a
    // mere file.
    node.body = with_crlf_lines(a.bytes);
    const Scan7 s = look(node.body);
    as_is = type == "message/rfc822" && s.clean && s.longest <= 998;
    if (!as_is) type = "application/octet-stream";
  }
  node.fields =
      "Content-Type: " + type + "\r\nContent-Transfer-Encoding: " + (as_is ? "7bit" : "base64") + "\r\n";
  if (!as_is) node.body = encode_base64(a.bytes);
  const std::string name = a.filename.empty() ? std::string() : safe_filename(a.filename);
  node.fields +=
      parameter_field("Content-Disposition", a.is_inline ? "inline" : "attachment", "filename", name);
  if (!a.content_id.empty()) node.fields += "Content-ID: <" + a.content_id + ">\r\n";
  return node;
}

Entity multipart_entity(std::string kind, std::vector<Entity> children) {
  Entity node;
  node.multipart = std::move(kind);
  node.children = std::move(children);
  return node;
}

void write_entity(const Entity& entity, std::string_view seed, std::string& out) {
  Writer(seed).write(entity, out);
}

}  // namespace mailroom::mime
