#include "generator.hpp"

#include <openssl/sha.h>

#include <array>

#include "words.hpp"

namespace mailroom::interop {
namespace {

using aoh::Json;

std::string sha256(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  std::string hex;
  for (unsigned char c : digest) {
    hex += "0123456789abcdef"[c >> 4];
    hex += "0123456789abcdef"[c & 15];
  }
  return hex;
}

// A plain encoder of the test's own.
std::string base64(std::string_view s) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned group = 0;
  int bits = 0;
  for (char c : s) {
    group = group << 8 | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6; bits -= 6) out += alphabet[group >> (bits - 6) & 63];
  }
  if (bits > 0) out += alphabet[group << (6 - bits) & 63];
  while (out.size() % 4) out += '=';
  return out;
}

// Every kind of line end as LF, and one at the end: what the composer promises of bodies.
std::string lines(std::string_view s) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '\r') {
      out += '\n';
      if (i + 1 < s.size() && s[i + 1] == '\n') ++i;
    } else {
      out += s[i];
    }
  }
  if (!out.empty() && out.back() != '\n') out += '\n';
  return out;
}

Json people(const std::vector<mime::Address>& list) {
  Json out = Json::array();
  for (const auto& a : list) out.push(Json::array({a.name, a.address}));
  return out;
}

}  // namespace

std::string Generator::phrase(std::size_t words) {
  std::string out;
  for (std::size_t i = 0; i < words; ++i) {
    if (i > 0) out += ' ';
    out += chance(25) ? pick(kTraps) : pick(kWords);
    if (chance(10)) out += pick(kTraps);
  }
  if (chance(4)) out.insert(0, " ");
  if (chance(4)) out += ' ';
  if (chance(3)) out += std::string(70 + below(200), 'x');
  return out;
}

std::string Generator::subject() {
  if (chance(4)) return "";
  std::string out = phrase(chance(5) ? 100 + below(150) : 1 + below(12));
  if (out.size() > 4000) {
    out.resize(4000);
    while (!out.empty() && (static_cast<unsigned char>(out.back()) & 0xC0) == 0x80) out.pop_back();
    out.pop_back();
  }
  return out;
}

std::string Generator::body() {
  std::string out;
  for (std::size_t n = below(25); n > 0; --n) {
    if (chance(40)) {
      out += pick(kBodyTraps);
    } else if (chance(5)) {
      out += std::string(900 + below(3000), 'y');
    } else {
      out += phrase(1 + below(15));
      if (chance(70)) out += '\n';
    }
  }
  return out;
}

std::string Generator::bytes() {
  const std::size_t size = chance(10) ? below(100'000) : chance(10) ? 0 : below(3'000);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random_());
  return out;
}

mime::Address Generator::address() {
  constexpr std::array<std::string_view, 12> kAddresses{
      "joe@example.org",
      "first.last+tag@mail.example.com",
      "o'neil@example.net",
      "\"a b\"@example.org",
      "\"x,y@z\"@example.org",
      "a@xn--bcher-kva.example",
      "x@[192.0.2.1]",
      "root@localhost",
      "!#$%&'*+-/=^_`{|}?~@a.bc",
      "\"q\\\"uote\"@example.org",
      "a1@b-c.d.example.org",
      "very.long.local.part.of.an.address@sub.domain.example.org"};
  mime::Address a;
  a.address = pick(kAddresses);
  if (chance(70)) a.name = phrase(1 + below(chance(5) ? 30 : 4));
  return a;
}

std::vector<mime::Address> Generator::addresses(std::size_t most) {
  std::vector<mime::Address> out;
  for (std::size_t n = below(most + 1); n > 0; --n) out.push_back(address());
  return out;
}

std::string Generator::page(mime::Draft& draft) {
  std::string out = "<html><body><!-- <img src=\"data:image/png;base64,AAAA\"> -->";
  out += "<p title='a > b'>" + phrase(1 + below(10)) + "</p>";
  if (chance(40)) out += lines(body());
  for (std::size_t n = below(3); n > 0; --n) {
    std::string image = bytes() + 'x';
    if (chance(50)) {
      const std::string id = "pic" + std::to_string(draft.attachments.size()) + "@example.org";
      draft.attachments.push_back({"pic " + std::to_string(n) + ".png", "image/png", image, id, true});
      out += "<img alt=x src=\"cid:" + id + "\">";
    } else {
      out += "<IMG alt='y' SRC='data:image/gif;base64," + base64(image) + "'>";
    }
  }
  return out + "</body></html>";
}

void Generator::attach(mime::Draft& draft) {
  constexpr std::array<std::string_view, 5> kTypes{"application/pdf", "image/jpeg", "text/plain", "text/html",
                                                   ""};
  for (std::size_t n = below(3); n > 0; --n) {
    mime::DraftAttachment a;
    a.filename =
        chance(60) ? std::string(pick(kFileNames)) : mime::safe_filename(phrase(1 + below(8)) + ".bin");
    if (chance(5)) a.filename = mime::safe_filename(std::string(150, 'n') + ' ' + phrase(3) + ".txt");
    if (chance(10)) {
      a.mime_type = "message/rfc822";
      a.filename = mime::safe_filename(a.filename + ".eml");
      a.bytes = "Subject: inner\r\nFrom: x@example.org\r\n\r\n" + std::string(pick(kBodyTraps)) + "end\r\n";
      if (chance(30)) a.bytes += "8-bit: ö\r\n";
      if (chance(20)) a.bytes += std::string(1500, 'z') + "\r\n";
    } else {
      a.mime_type = pick(kTypes);
      a.bytes = bytes();
    }
    draft.attachments.push_back(std::move(a));
  }
}

Generated Generator::next() {
  Generated g;
  mime::Draft& d = g.draft;
  ++count_;
  g.context.unix_seconds = static_cast<std::int64_t>(1'700'000'000 + below(100'000'000));
  g.context.message_id_unique = "token-" + std::to_string(1'000'000 + count_);
  g.context.boundary_seed = "seed-" + std::to_string(random_());
  g.context.eight_bit_ok = chance(30);
  d.from = {address()};
  d.to = addresses(4);
  d.cc = addresses(2);
  d.bcc = {{"", "hidden@example.org", ""}};
  if (chance(20)) d.reply_to = {address()};
  if (chance(5)) d.to.push_back({phrase(2), "用户@example.org", ""});
  d.subject = subject();
  if (chance(30)) d.in_reply_to = "orig.$x%" + std::to_string(count_) + "@example.org";
  if (chance(30)) d.references.assign(1 + below(30), "ref-" + std::string(below(60), 'r') + "@example.org");
  if (chance(40)) d.extra_headers = {{"X-Mailroom-Test", "v " + phrase(1 + below(20)) + " v"}};
  const bool has_text = chance(75);
  if (has_text) d.text = body();
  std::string html;
  if (!has_text || chance(60)) d.html = html = page(d);
  attach(d);

  Json files = Json::array();
  for (const auto& a : d.attachments) {
    std::string type = a.mime_type.empty() ? "application/octet-stream" : a.mime_type;
    const bool message = type == "message/rfc822";
    // As the composer documents it: what may not be encoded and cannot go as it is, is a file.
    bool plain = message;
    std::size_t line = 0;
    for (std::size_t i = 0; i < a.bytes.size() && plain; ++i) {
      const char c = a.bytes[i];
      line = c == '\n' ? 0 : line + 1;
      plain = (c >= 0 || g.context.eight_bit_ok) && line <= 999 &&
              (c != '\n' || (i > 0 && a.bytes[i - 1] == '\r')) &&
              (c != '\r' || (i + 1 < a.bytes.size() && a.bytes[i + 1] == '\n'));
    }
    if (message && !plain) type = "application/octet-stream";
    files.push(Json{{"name", a.filename},
                    {"type", type},
                    {"size", a.bytes.size()},
                    {"sha256", sha256(a.bytes)},
                    {"cid", a.content_id},
                    {"inline", a.is_inline}});
  }
  g.expected = Json{{"date", g.context.unix_seconds},
                    {"subject", d.subject},
                    {"from", people(d.from)},
                    {"to", people(d.to)},
                    {"cc", people(d.cc)},
                    {"reply_to", people(d.reply_to)},
                    {"in_reply_to", d.in_reply_to},
                    {"references", Json::array()},
                    {"x", d.extra_headers.empty() ? "" : d.extra_headers[0].second},
                    {"text", d.text ? Json(lines(*d.text)) : Json()},
                    {"html", d.html ? Json(lines(html)) : Json()},
                    {"attachments", files}};
  for (const auto& id : d.references) g.expected.slot("references").push(id);
  return g;
}

}  // namespace mailroom::interop
