#include "mime/codec.hpp"

#include <mimetic/codec/codec.h>

#include <iterator>

#include "mime/ascii.hpp"
#include "mime/parse.hpp"

namespace mailroom::mime {
namespace {

constexpr bool is_base64(char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '/'; }

void raise(bool* flag) {
  if (flag) *flag = true;
}

template <class Codec>
std::string run(Codec codec, std::string_view in) {
  std::string out;
  out.reserve(in.size());
  codec.process(in.begin(), in.end(), std::back_inserter(out));
  return out;
}

// Ours, since mimetic's encoder takes ten times as long, byte by byte.
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
  // mimetic reads past its table on '|' and takes a '=' in the middle for data: it sees whole, padded groups
  // of the alphabet only.
  std::string clean;
  clean.reserve(text.size());
  std::size_t in_group = 0;
  bool padded = false;
  const auto close = [&] {
    if (in_group == 1) clean.pop_back();
    if (in_group > 1) clean.append(4 - in_group, '=');
    if (in_group == 1) raise(broken);
    in_group = 0;
  };
  for (char c : text) {
    if (is_base64(c)) {
      if (padded) raise(broken);  // data after padding: several encodings glued together
      padded = false;
      clean += c;
      in_group = (in_group + 1) % 4;
    } else if (c == '=') {
      if (in_group) close();
      padded = true;
    } else if (!is_space(c)) {
      raise(broken);
    }
  }
  close();
  return run(mimetic::Base64::Decoder(), clean);
}

std::string decode_quoted_printable(std::string_view text, bool* broken) {
  // mimetic drops controls (ISO-2022-JP needs ESC), rewrites line ends and loses some after blanks. The
  // filter undoes soft line breaks and writes everything that is not plain as an escape, so that what mimetic
  // decodes is one line that says it all.
  std::string clean;
  clean.reserve(text.size() + 16);
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find('\n', at);
    const bool has_end = end != text.npos;
    if (!has_end) end = text.size();
    std::size_t stop = end;
    const bool crlf = has_end && stop > at && text[stop - 1] == '\r';
    if (crlf) --stop;
    while (stop > at && (text[stop - 1] == ' ' || text[stop - 1] == '\t')) --stop;  // RFC 2045 §6.7 (3)
    bool soft = false;
    for (std::size_t i = at; i < stop; ++i) {
      const char c = text[i];
      if (c == '=') {
        if (i + 1 == stop) {
          soft = true;
        } else if (i + 2 < stop && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0) {
          clean.append(text, i, 3);
          i += 2;
        } else {
          raise(broken);
          put_hex(clean, c);
        }
      } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
        put_hex(clean, c);
      } else {
        clean += c;
      }
    }
    if (has_end && !soft) clean += crlf ? "=0D=0A" : "=0A";
    at = has_end ? end + 1 : text.size();
  }
  if (clean.ends_with(' ')) {  // after a soft line break at the very end: mimetic would take it for padding
    clean.pop_back();
    clean += "=20";
  }
  return run(mimetic::QP::Decoder(), clean);
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
  std::string out;
  bool begun = false;
  bool ended = false;
  for (std::size_t at = 0; at < text.size() && !ended;) {
    std::size_t end = text.find('\n', at);
    if (end == text.npos) end = text.size();
    std::string_view line = text.substr(at, end - at);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    at = end + 1;
    if (!begun) {
      begun = line.starts_with("begin ");
      continue;
    }
    if (line == "end") {
      ended = true;
      continue;
    }
    if (line.empty()) continue;
    std::size_t want = static_cast<unsigned char>(line[0] - ' ') & 63u;
    const auto value = [&](std::size_t i) {
      return i < line.size() ? static_cast<unsigned>(static_cast<unsigned char>(line[i] - ' ') & 63u) : 0u;
    };
    for (std::size_t i = 1; want > 0 && i < line.size(); i += 4) {
      const unsigned group = value(i) << 18 | value(i + 1) << 12 | value(i + 2) << 6 | value(i + 3);
      for (int shift = 16; shift >= 0 && want > 0; shift -= 8, --want)
        out += static_cast<char>(group >> static_cast<unsigned>(shift) & 255u);
    }
    if (want > 0) raise(broken);
  }
  if (!begun) {
    raise(broken);
    return std::string(text);
  }
  if (!ended) raise(broken);
  return out;
}

std::string decode_transfer(std::string_view text, std::string_view encoding, bool* broken) {
  encoding = trim(encoding.substr(0, encoding.find_first_of(";(")));
  while (!encoding.empty() && encoding.front() == '"') encoding.remove_prefix(1);
  while (!encoding.empty() && encoding.back() == '"') encoding.remove_suffix(1);
  if (iequals(encoding, "base64")) return decode_base64(text, broken);
  if (iequals(encoding, "quoted-printable")) return decode_quoted_printable(text, broken);
  for (std::string_view name : {"x-uuencode", "uuencode", "x-uue", "uue"})
    if (iequals(encoding, name)) return decode_uuencode(text, broken);
  bool known = encoding.empty();
  for (std::string_view name : {"7bit", "8bit", "binary"}) known = known || iequals(encoding, name);
  if (!known) raise(broken);
  return std::string(text);
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
  // Ours, since mimetic's encoder turns to binary at the first 8-bit byte and then escapes every blank and
  // line end: readers of the raw message, and spam filters, mind.
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
