#include "mime/unicode.hpp"

#include <unicode/utf8.h>

#include <array>
#include <cstdio>

#include "mime/charset.hpp"

namespace mailroom::mime {

char32_t next_char(std::string_view s, std::size_t& at) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(s.data());
  auto i = static_cast<std::int64_t>(at);
  const auto size = static_cast<std::int64_t>(s.size());
  UChar32 c = 0;
  U8_NEXT(bytes, i, size, c);
  at = static_cast<std::size_t>(i);
  return c < 0 ? 0xFFFD : static_cast<char32_t>(c);
}

void put_char(std::string& out, char32_t c) {
  std::array<std::uint8_t, U8_MAX_LENGTH> bytes{};
  std::int32_t n = 0;
  U8_APPEND_UNSAFE(bytes.data(), n, static_cast<UChar32>(c));
  out.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(n));
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x2028 || c == 0x2029; }

bool is_invisible(char32_t c) {
  return c == 0xAD || c == 0x34F || c == 0x61C || c == 0x115F || c == 0x1160 || c == 0x17B4 || c == 0x17B5 ||
         (c >= 0x180B && c <= 0x180F) || (c >= 0x200B && c <= 0x200F) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x206F) || c == 0x3164 || (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF ||
         c == 0xFFA0 || (c >= 0xFFF0 && c <= 0xFFFB) || (c >= 0x1D173 && c <= 0x1D17A) ||
         (c >= 0xE0000 && c <= 0xE0FFF);
}

std::string slot_problem(std::string_view value, std::size_t max_bytes) {
  if (value.size() > max_bytes) return "is longer than " + std::to_string(max_bytes) + " bytes";
  if (!is_utf8(value)) return "is not valid UTF-8";
  for (std::size_t at = 0; at < value.size();) {
    const std::size_t here = at;
    const char32_t c = next_char(value, at);
    if (!is_control(c)) continue;
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "holds the control character U+%04X at byte %zu",
                  static_cast<unsigned>(c), here);
    return text.data();
  }
  return {};
}

}  // namespace mailroom::mime
