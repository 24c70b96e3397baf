#include "mime/transfer.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#include "mime/ascii.hpp"
#include "mime/codec.hpp"

namespace mailroom::mime {
namespace {

// Values of the alphabet (RFC 2045 §6.8), shifted to where the first to fourth character of a group has them;
// what is not of it has the top bit set, so one test finds it in any of the four.
constexpr std::uint32_t kNone = 0x80000000u;
constexpr auto kBase64 = [] {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<std::array<std::uint32_t, 256>, 4> table{};
  for (unsigned place = 0; place < 4; ++place) {
    for (auto& value : table[place]) value = kNone;
    for (std::uint32_t i = 0; i < 64; ++i)
      table[place][static_cast<unsigned char>(alphabet[i])] = i << (18 - 6 * place);
  }
  return table;
}();

constexpr auto kHex = [] {
  std::array<signed char, 256> table{};
  for (unsigned c = 0; c < 256; ++c)
    table[c] =
        c < 128 ? static_cast<signed char>(hex_value(static_cast<char>(c))) : static_cast<signed char>(-1);
  return table;
}();

std::uint32_t value_at(unsigned place, char c) { return kBase64[place][static_cast<unsigned char>(c)]; }

// Writes a fourth byte, which the next group overwrites: one store instead of three.
char* put_group(std::uint32_t group, char* to) {
  if constexpr (std::endian::native == std::endian::little) group = __builtin_bswap32(group);
  group = std::endian::native == std::endian::little ? group >> 8 : group << 8;
  std::memcpy(to, &group, 4);
  return to + 3;
}

class Base64 {
 public:
  explicit Base64(bool& broken) : broken_(broken) {}

  bool ended() const { return ended_; }

  char* piece(std::string_view in, char* to) {
    const char* p = in.data();
    const char* const end = p + in.size();
    const char* looked = p;  // how far it is known that an encoding goes on
    while (p < end && !ended_) {
      if (padded_ && p >= looked && !is_space(*p) && *p != '=') {
        if (!goes_on({p, static_cast<std::size_t>(end - p)})) break;
        looked = end - p > kLook ? p + kLook : end;
      }
      if (in_group_ == 0 && !padded_) {
        to = groups(p, end, to);
        if (p == end) break;
      }
      to = one(*p++, to);
    }
    return to;
  }

  // The end of an encoding: a group that is not whole gives what it has.
  char* close(char* to) {
    if (in_group_ == 1) broken_ = true;
    if (in_group_ > 1) *to++ = static_cast<char>(group_ >> 16);
    if (in_group_ > 2) *to++ = static_cast<char>(group_ >> 8);
    in_group_ = 0;
    group_ = 0;
    return to;
  }

 private:
  static std::uint32_t group_at(const char* p) {
    return value_at(0, p[0]) | value_at(1, p[1]) | value_at(2, p[2]) | value_at(3, p[3]);
  }

  // Whole groups and the ends of lines between them, up to what is neither.
  static char* groups(const char*& p, const char* end, char* to) {
    for (;;) {
      for (; end - p >= 8; p += 8) {
        const std::uint32_t first = group_at(p), second = group_at(p + 4);
        if ((first | second) & kNone) break;
        to = put_group(second, put_group(first, to));
      }
      for (; end - p >= 4; p += 4) {
        const std::uint32_t group = group_at(p);
        if (group & kNone) break;
        to = put_group(group, to);
      }
      if (end - p < 2 || p[0] != '\r' || p[1] != '\n') return to;
      p += 2;
    }
  }

  char* one(char c, char* to) {
    const std::uint32_t value = value_at(in_group_, c);
    if (value != kNone) {
      if (padded_) broken_ = true;  // data after padding: several encodings glued together
      padded_ = false;
      group_ |= value;
      if (++in_group_ < 4) return to;
      to = put_group(group_, to);
      in_group_ = 0;
      group_ = 0;
    } else if (c == '=') {
      if (in_group_) to = close(to);
      padded_ = true;
    } else if (!is_space(c)) {
      broken_ = true;
    }
    return to;
  }

  // Data after padding: another encoding glued on, or the footer that a mailing list put below?
  bool goes_on(std::string_view rest) {
    for (char c : rest.substr(0, kLook))
      if (value_at(0, c) == kNone && c != '=' && c != '\r' && c != '\n') ended_ = broken_ = true;
    return !ended_;
  }

  static constexpr std::ptrdiff_t kLook = 200;
  bool& broken_;
  bool ended_ = false;
  std::uint32_t group_ = 0;
  unsigned in_group_ = 0;
  bool padded_ = false;
};

std::string_view unquoted(std::string_view s) {
  s = trim(s);
  while (!s.empty() && (s.front() == '"' || s.front() == '\'')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == '"' || s.back() == '\'')) s.remove_suffix(1);
  return trim(s);
}

}  // namespace

void DecodedBytes::append(std::string_view piece) {
  if (!sink_ || buffer_.size() + piece.size() <= kDecodeBlock) {
    buffer_ += piece;
    return;
  }
  flush();
  for (; !piece.empty(); piece.remove_prefix(std::min(piece.size(), kDecodeBlock)))
    sink_(piece.substr(0, kDecodeBlock));
}

char* DecodedBytes::room(std::size_t most) {
  if (sink_ && buffer_.size() + most > kDecodeBlock) flush();
  const std::size_t used = buffer_.size();
  buffer_.resize(used + most);
  return buffer_.data() + used;
}

void DecodedBytes::keep(const char* end) { buffer_.resize(static_cast<std::size_t>(end - buffer_.data())); }

void DecodedBytes::flush() {
  if (!sink_ || buffer_.empty()) return;
  sink_(buffer_);
  buffer_.clear();
}

Transfer transfer_of(std::string_view encoding) {
  const std::string_view name = unquoted(encoding.substr(0, encoding.find_first_of(";(,")));
  if (name.empty()) return Transfer::identity;
  if (iequals(name, "base64") || iequals(name, "base-64") || iequals(name, "b")) return Transfer::base64;
  if (iequals(name, "quoted-printable") || iequals(name, "quotedprintable") || iequals(name, "q"))
    return Transfer::quoted_printable;
  for (std::string_view other : {"x-uuencode", "uuencode", "x-uue", "uue"})
    if (iequals(name, other)) return Transfer::uuencode;
  for (std::string_view other : {"7bit", "8bit", "binary", "7-bit", "8-bit", "7 bit", "8 bit", "none"})
    if (iequals(name, other)) return Transfer::identity;
  return Transfer::unknown;
}

void decode_base64(std::string_view text, DecodedBytes& out, bool& broken) {
  constexpr std::size_t kPiece = kDecodeBlock / 2;
  Base64 decoder(broken);
  while (!text.empty() && !decoder.ended()) {
    const std::string_view piece = text.substr(0, kPiece);
    out.keep(decoder.piece(piece, out.room(piece.size() / 4 * 3 + 7)));
    text.remove_prefix(piece.size());
  }
  out.keep(decoder.close(out.room(2)));
  out.flush();
}

void decode_quoted_printable(std::string_view text, DecodedBytes& out, bool& broken) {
  constexpr std::size_t kPiece = kDecodeBlock / 2;  // of one line: a hostile one may be as long as the mail
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const bool has_end = end < text.size();
    std::size_t stop = end;
    if (has_end && stop > at && text[stop - 1] == '\r') --stop;
    const std::size_t line_end = stop;
    while (stop > at && (text[stop - 1] == ' ' || text[stop - 1] == '\t')) --stop;  // RFC 2045 §6.7 (3)
    bool soft = false;
    for (std::size_t i = at; i < stop;) {
      const std::size_t until = stop - i <= kPiece ? stop : i + kPiece;
      char* to = out.room(until - i + 2);
      while (i < until) {
        const std::size_t equals = i + std::min(text.substr(i, until - i).find('='), until - i);
        std::memcpy(to, text.data() + i, equals - i);
        to += equals - i;
        for (i = equals; i < until && text[i] == '='; i += 3) {
          const int high = i + 2 < stop ? kHex[static_cast<unsigned char>(text[i + 1])] : -1;
          const int low = i + 2 < stop ? kHex[static_cast<unsigned char>(text[i + 2])] : -1;
          if (high < 0 || low < 0) {
            soft = i + 1 == stop;
            broken = broken || !soft;
            if (!soft) *to++ = '=';
            ++i;
            break;
          }
          *to++ = static_cast<char>(high * 16 + low);
        }
      }
      out.keep(to);
    }
    if (has_end && !soft) out.append(text.substr(line_end, end + 1 - line_end));
    at = end + 1;
  }
  out.flush();
}

void decode_uuencode(std::string_view text, DecodedBytes& out, bool& broken) {
  bool begun = false;
  bool ended = false;
  for (std::size_t at = 0; at < text.size() && !ended;) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
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
        out.put(static_cast<char>(group >> static_cast<unsigned>(shift) & 255u));
    }
    if (want > 0) broken = true;
  }
  if (!begun) out.append(text);
  if (!ended) broken = true;
  out.flush();
}

void decode_transfer(std::string_view text, Transfer encoding, DecodedBytes& out, bool& broken) {
  switch (encoding) {
    case Transfer::base64:
      return decode_base64(text, out, broken);
    case Transfer::quoted_printable:
      return decode_quoted_printable(text, out, broken);
    case Transfer::uuencode:
      return decode_uuencode(text, out, broken);
    case Transfer::unknown:
      broken = true;
      [[fallthrough]];
    case Transfer::identity:
      break;
  }
  out.append(text);
  out.flush();
}

}  // namespace mailroom::mime
