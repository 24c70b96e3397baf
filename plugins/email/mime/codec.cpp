#include "mime/codec.hpp"

#include "mime/ascii.hpp"
#include "mime/parse.hpp"
#include "mime/transfer.hpp"

namespace mailroom::mime {
namespace {

std::string decode_all(std::string_view text, Transfer encoding, bool* broken) {
  std::string out;
  bool damaged = false;
  out.reserve(encoding == Transfer::base64 ? text.size() / 4 * 3 + 8 : text.size());
  DecodedBytes to(out);
  decode_transfer(text, encoding, to, damaged);
  if (damaged && broken) *broken = true;
  return out;
}

void base64_line(std::string_view bytes, std::string& out) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto at = [&](std::size_t i) { return static_cast<unsigned>(static_cast<unsigned char>(bytes[i])); };
  const std::size_t start = out.size();
  out.resize(start + (bytes.size() + 2) / 3 * 4, '=');
  char* to = out.data() + start;
  std::size_t i = 0;
  for (; i + 2 < bytes.size(); i += 3) {
    const unsigned group = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    *to++ = alphabet[group >> 18];
    *to++ = alphabet[group >> 12 & 63];
    *to++ = alphabet[group >> 6 & 63];
    *to++ = alphabet[group & 63];
  }
  if (i == bytes.size()) return;
  const unsigned group = at(i) << 16 | (i + 1 < bytes.size() ? at(i + 1) << 8 : 0);
  *to++ = alphabet[group >> 18];
  *to++ = alphabet[group >> 12 & 63];
  if (i + 1 < bytes.size()) *to = alphabet[group >> 6 & 63];
}

void put_hex(std::string& out, char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '=';
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

}  // namespace

std::string decode_base64(std::string_view text, bool* broken) {
  return decode_all(text, Transfer::base64, broken);
}

std::string decode_quoted_printable(std::string_view text, bool* broken) {
  return decode_all(text, Transfer::quoted_printable, broken);
}

std::string decode_q(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '_') {
      out += ' ';
    } else if (c == '=' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 &&
               hex_value(text[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]));
      i += 2;
    } else {
      out += c;
    }
  }
  return out;
}

std::string decode_percent(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] == '%' && i + 2 < s.size() && hex_value(s[i + 1]) >= 0 && hex_value(s[i + 2]) >= 0) {
      out += static_cast<char>(hex_value(s[i + 1]) * 16 + hex_value(s[i + 2]));
      i += 2;
    } else {
      out += s[i];
    }
  }
  return out;
}

std::string decode_uuencode(std::string_view text, bool* broken) {
  return decode_all(text, Transfer::uuencode, broken);
}

std::string decode_transfer(std::string_view text, std::string_view encoding, bool* broken) {
  return decode_all(text, transfer_of(encoding), broken);
}

DecodedPart decode_body(std::string_view body, std::string_view transfer_encoding) {
  DecodedPart part;
  part.bytes = decode_transfer(body, transfer_encoding, &part.broken);
  return part;
}

std::string encode_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4 + bytes.size() / 57 * 2 + 2);
  for (std::size_t at = 0; at < bytes.size(); at += 57) {  // 76 characters
    if (at > 0) out += "\r\n";
    base64_line(bytes.substr(at, 57), out);
  }
  return out;
}

std::string encode_base64_line(std::string_view bytes) {
  std::string out;
  base64_line(bytes, out);
  return out;
}

std::size_t quoted_printable_size(std::string_view text) {
  std::size_t size = 0;
  std::size_t line = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      size += line + 2 + (line > 0 ? (line - 1) / 73 * 3 : 0);
      line = 0;
    } else if (c != '\r') {
      line += (c >= 0x20 && c < 0x7f && c != '=') || c == '\t' ? 1 : 3;
    }
  }
  return size + line + (line > 0 ? (line - 1) / 73 * 3 : 0);
}

std::string encode_quoted_printable(std::string_view text) {
  constexpr std::size_t kLine = 76;
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  std::size_t column = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
      out += "\r\n";
      column = 0;
      ++i;
      continue;
    }
    const bool at_end = i + 1 == text.size() || text[i + 1] == '\r';
    const bool blank = c == ' ' || c == '\t';
    // "From " and a lone "." at the start of a line get rewritten by some relays.
    const bool fragile =
        column == 0 && ((c == 'F' && text.substr(i).starts_with("From ")) || (c == '.' && at_end));
    const bool plain = (c > 0x20 && c < 0x7f && c != '=' && !fragile) || (blank && !at_end);
    const std::size_t width = plain ? 1 : 3;
    if (column + width > kLine - (at_end ? 0 : 1)) {
      out += "=\r\n";
      column = 0;
    }
    if (plain)
      out += c;
    else
      put_hex(out, c);
    column += width;
  }
  return out;
}

}  // namespace mailroom::mime
