// An IP address as SPF compares it. Pure.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailroom::deliver {

/// IPv4 or IPv6; an IPv4 address written as IPv6 (::ffff:192.0.2.1) is IPv4 (RFC 7208 §5).
struct Ip {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};  ///< the first 4 of an IPv4 address

  static std::optional<Ip> parse(std::string_view text);
  std::string text() const;
  int bits() const { return v6 ? 128 : 32; }
  /// Whether the first `prefix` bits are those of `network`, which must be of the same family.
  bool within(const Ip& network, int prefix) const;
  /// "192.0.2.3", or each nibble of an IPv6 address: "2.0.0.1. ... .c.b.0.1" (the macro i, RFC 7208 §7.3).
  std::string dotted() const;
  /// The name that the PTR record stands at: "3.2.0.192.in-addr.arpa", "...ip6.arpa".
  std::string reverse_name() const;
  friend bool operator==(const Ip&, const Ip&) = default;
};

}  // namespace mailroom::deliver
