#include "deliver/ip.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

namespace mailroom::deliver {

std::optional<Ip> Ip::parse(std::string_view text) {
  if (text.size() > 45 || text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string z(text);
  Ip ip;
  if (inet_pton(AF_INET, z.c_str(), ip.bytes.data()) == 1) return ip;
  if (inet_pton(AF_INET6, z.c_str(), ip.bytes.data()) != 1) return std::nullopt;
  ip.v6 = true;
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped.begin(), kMapped.end(), ip.bytes.begin())) {
    Ip v4;
    std::copy(ip.bytes.begin() + 12, ip.bytes.end(), v4.bytes.begin());
    return v4;
  }
  return ip;
}

std::string Ip::text() const {
  char out[INET6_ADDRSTRLEN] = "";
  return inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), out, sizeof out) ? out : "";
}

bool Ip::within(const Ip& network, int prefix) const {
  if (v6 != network.v6) return false;
  prefix = std::clamp(prefix, 0, bits());
  for (std::size_t i = 0; prefix > 0; ++i, prefix -= 8) {
    const unsigned mask = prefix >= 8 ? 0xffu : 0xffu << (8 - prefix) & 0xffu;
    if (((bytes[i] ^ network.bytes[i]) & mask) != 0) return false;
  }
  return true;
}

std::string Ip::dotted() const {
  if (!v6) return text();
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t b : bytes) {
    if (!out.empty()) out += '.';
    out += kHex[b >> 4];
    out += '.';
    out += kHex[b & 15];
  }
  return out;
}

std::string Ip::reverse_name() const {
  std::string out;
  if (v6) {
    const std::string forward = dotted();
    for (auto c = forward.rbegin(); c != forward.rend(); ++c) out += *c;
    return out + ".ip6.arpa";
  }
  for (int i = 3; i >= 0; --i) out += std::to_string(bytes[static_cast<std::size_t>(i)]) + ".";
  return out + "in-addr.arpa";
}

}  // namespace mailroom::deliver
