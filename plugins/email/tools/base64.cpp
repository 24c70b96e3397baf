#include "tools/base64.hpp"

#include <cstdint>

#include "base/error.hpp"

namespace mailroom::tools {
namespace {

int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

}  // namespace

std::string decode_base64(std::string_view text, std::string_view field) {
  const auto bad = [&](const char* why) {
    throw Failure(Errc::invalid, std::string("this is not base64: ") + why, std::string(field),
                  "Encode the bytes anew (RFC 4648 §4), or give the message as raw or as a blob");
  };
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t bits = 0;
  unsigned digits = 0, padding = 0;
  for (const char c : text) {
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const int v = value_of(c);
    if (v < 0) bad("a character that does not belong");
    if (padding > 0) bad("padding in the middle");
    bits = bits << 6 | static_cast<std::uint32_t>(v);
    if (++digits % 4 == 0) {
      out += static_cast<char>(bits >> 16);
      out += static_cast<char>(bits >> 8);
      out += static_cast<char>(bits);
    }
  }
  const unsigned rest = digits % 4;
  if (rest == 1 || padding > 2 || (padding > 0 && (rest + padding) % 4 != 0)) bad("it is cut off");
  if (rest == 2) out += static_cast<char>(bits >> 4);
  if (rest == 3) {
    out += static_cast<char>(bits >> 10);
    out += static_cast<char>(bits >> 2);
  }
  return out;
}

}  // namespace mailroom::tools
