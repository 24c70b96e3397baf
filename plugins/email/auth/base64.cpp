#include "auth/base64.hpp"

#include <cstdint>

namespace mailroom::auth {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

aoh::Secret base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view three = bytes.substr(i, 3);
    std::uint32_t v = 0;
    for (std::size_t k = 0; k < 3; ++k)
      v = v << 8 | (k < three.size() ? static_cast<unsigned char>(three[k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= three.size() ? kAlphabet[v >> (18 - 6 * k) & 63] : '=';
  }
  return aoh::Secret(std::move(out));
}

std::optional<std::string> unbase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::uint32_t v = 0;
    std::size_t pad = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const char c = text[i + k];
      if (c == '=' && i + 4 == text.size() && k >= 2) {
        ++pad;
        v <<= 6;
        continue;
      }
      const std::size_t digit = kAlphabet.find(c);
      if (pad > 0 || digit == std::string_view::npos) return std::nullopt;
      v = v << 6 | static_cast<std::uint32_t>(digit);
    }
    for (std::size_t k = 0; k + pad < 3; ++k) out += static_cast<char>(v >> (16 - 8 * k) & 255);
  }
  return out;
}

}  // namespace mailroom::auth
