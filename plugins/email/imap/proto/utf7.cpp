#include "imap/proto/utf7.hpp"

#include <cstdint>
#include <vector>

#include "support/json.hpp"

namespace mailroom::imap {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/// One code point of valid UTF-8, `i` moved behind it.
char32_t decode(std::string_view s, std::size_t& i) {
  const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(s[k]); };
  const unsigned char c = byte(i);
  const int more = c < 0x80 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
  char32_t v = more == 0 ? c : c & (0x3F >> more);
  ++i;
  for (int k = 0; k < more; ++k) v = v << 6 | (byte(i++) & 0x3F);
  return v;
}

void encode(char32_t v, std::string& out) {
  const auto put = [&](char32_t b) { out += static_cast<char>(b); };
  if (v < 0x80) return put(v);
  if (v < 0x800) return put(0xC0 | v >> 6), put(0x80 | (v & 0x3F));
  if (v < 0x10000) return put(0xE0 | v >> 12), put(0x80 | (v >> 6 & 0x3F)), put(0x80 | (v & 0x3F));
  put(0xF0 | v >> 18), put(0x80 | (v >> 12 & 0x3F)), put(0x80 | (v >> 6 & 0x3F)), put(0x80 | (v & 0x3F));
}

void shifted(const std::vector<std::uint16_t>& units, std::string& out) {
  out += '&';
  std::uint32_t bits = 0;
  int have = 0;
  for (const std::uint16_t unit : units) {
    bits = bits << 16 | unit;
    have += 16;
    while (have >= 6) {
      have -= 6;
      out += kAlphabet[bits >> have & 63];
    }
    bits &= (1u << have) - 1;
  }
  if (have > 0) out += kAlphabet[bits << (6 - have) & 63];
  out += '-';
}

/// The UTF-16 of one shifted run appended as UTF-8; false when it is not well-formed.
bool unshift(std::string_view run, std::string& out) {
  std::uint32_t bits = 0;
  int have = 0;
  char32_t high = 0;
  for (const char c : run) {
    const std::size_t digit = kAlphabet.find(c);
    if (digit == std::string_view::npos) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    have += 6;
    if (have < 16) continue;
    have -= 16;
    const char32_t unit = bits >> have & 0xFFFF;
    bits &= (1u << have) - 1;
    if (unit >= 0xD800 && unit < 0xDC00) {
      if (high != 0) return false;
      high = unit;
    } else if (unit >= 0xDC00 && unit < 0xE000) {
      if (high == 0) return false;
      encode(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00), out);
      high = 0;
    } else {
      if (high != 0 || unit == 0) return false;
      encode(unit, out);
    }
  }
  return high == 0 && bits == 0 && have < 6;
}

}  // namespace

std::string to_utf7(std::string_view utf8) {
  const std::string clean = aoh::valid_utf8(utf8);
  std::string out;
  std::vector<std::uint16_t> units;
  for (std::size_t i = 0; i < clean.size();) {
    const char32_t v = decode(clean, i);
    if (v >= 0x20 && v <= 0x7E) {
      if (!units.empty()) shifted(units, out);
      units.clear();
      out += static_cast<char>(v);
      if (v == '&') out += '-';
    } else if (v >= 0x10000) {
      units.push_back(static_cast<std::uint16_t>(0xD800 + ((v - 0x10000) >> 10)));
      units.push_back(static_cast<std::uint16_t>(0xDC00 + ((v - 0x10000) & 0x3FF)));
    } else {
      units.push_back(static_cast<std::uint16_t>(v));
    }
  }
  if (!units.empty()) shifted(units, out);
  return out;
}

std::string from_utf7(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] != '&') {
      out += name[i];
      continue;
    }
    const std::size_t end = name.find('-', i);
    if (end == std::string_view::npos) return aoh::valid_utf8(name);
    if (end == i + 1)
      out += '&';
    else if (!unshift(name.substr(i + 1, end - i - 1), out))
      return aoh::valid_utf8(name);
    i = end;
  }
  return aoh::valid_utf8(out);
}

std::string from_wire(std::string_view name, bool as_utf8) {
  return as_utf8 ? aoh::valid_utf8(name) : from_utf7(name);
}

}  // namespace mailroom::imap
